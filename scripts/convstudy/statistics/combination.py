"""Runs that are means of the probabilities of others: ensembles, and one network's views.

A mean of probabilities of softmax outputs is what Lakshminarayanan et al. (2017, NeurIPS) call a
deep ensemble, where the networks differ in their seeds.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.statistics import metrics_file, run_figures, sweep_selection

Metrics = dict[str, Any]
# Of training images no probabilities are kept, so nothing is known of their mean.
UNKNOWN = ("train_loss", "train_accuracy", "train_running_loss", "train_running_accuracy")


def mean(predictions: Iterable[np.ndarray]) -> np.ndarray:
    """The mean of probabilities (n, classes) float32; its sum is taken in double precision.

    One alone, as of every network that is no combination, is its own mean, without a copy.
    """
    following = iter(predictions)
    first = total = np.asarray(next(following))
    count = 1
    for probabilities in following:
        total, count = np.add(total, probabilities, dtype=np.float64), count + 1
    return (first if count == 1 else total / count).astype(np.float32, copy=False)


def combine(
    plan: Mapping[str, Any],
    identity: Mapping[str, Any],
    inputs: Mapping[str, Sequence[Path | str]],
    outputs: Mapping[str, Path | str],
) -> None:
    """Write `metrics` (.json) and `predictions` (.h5) of a mean of evaluated runs.

    Nothing of the test images has a part in the choice among the values of a sweep, nor in the
    temperature, which is fitted anew on the mean's validation images.

    Args:
        plan: `over` (`seeds` or `variants`) and `groups`: of each group's `points`, names of
            variants, the `best` are taken.
        identity: what names the run (dataset, variant, model, generator, backbone, seed, task).
        inputs: paths of `metrics` and, in the same order, `predictions` of all runs that may take
            part; of the metrics of other seeds by whose `validation` accuracies, too, is chosen.
        outputs: paths of `metrics` and `predictions`.

    Raises:
        UserError: two of the runs were evaluated on different images.
    """
    names, choice = _chosen(plan["groups"], [*inputs["metrics"], *inputs["validation"]])
    pairs = zip(inputs["metrics"], inputs["predictions"], strict=True)
    read = [(metrics_file.read(path), str(predictions)) for path, predictions in pairs]
    runs = [run for run in read if run[0]["variant"] in names]
    members, files = [run for run, _ in runs], [path for _, path in runs]
    class_names = hdf5.read_attributes(files[0])["class_names"]
    predicted = {subset: _mean_of(files, subset) for subset in ("validation", "test")}
    hdf5.write_predictions(outputs["predictions"], predicted, class_names=class_names)
    figures = run_figures.of_predictions(*predicted.values(), class_names)
    networks = _distinct(network for run in members for network in networks_of(run))
    with_seeds = ""
    if plan["over"] == "seeds":
        with_seeds = f" with seeds {', '.join(map(str, dict.fromkeys(m['seed'] for m in members)))}"
    words = f"mean of {', '.join(names)}{with_seeds} ({len(networks)} networks)"
    about = dict(identity) | figures | dict.fromkeys(UNKNOWN) | _costs(members, networks)
    about |= {"n_train": members[0]["n_train"], "networks": networks, "made_of": words + choice}
    about |= {"class_names": class_names, "provenance": _provenance(members)}
    atomic_files.write_json(outputs["metrics"], about)


def of_views(run: Metrics, network: str, views: int, words: str) -> dict[str, Any]:
    """What metrics.json says of a network that saw each image in several views.

    Args:
        run: its metrics.
        network: the variant that was trained.
        views: how many there are.
        words: which.
    """
    return {
        "networks": networks_of(run | {"variant": network}),
        "made_of": f"mean of {views} views of {network} ({words})",
    }


def networks_of(run: Metrics) -> list[dict[str, Any]]:
    """The trained networks behind an evaluated run, itself or those that it is the mean of."""
    if "networks" in run:
        return run["networks"]
    name = f"{run['dataset']}/{run['variant']}/seed{run['seed']}"
    return [{"network": name} | {key: run[key] for key in metrics_file.OF_NETWORK}]


def _distinct(networks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({network["network"]: network for network in networks}.values())


def _chosen(
    groups: Sequence[Mapping[str, Any]], metrics_paths: Sequence[Path | str]
) -> tuple[list[str], str]:
    """The names of the runs that take part, and how they were chosen in words."""
    accuracies: dict[str, list[float]] = {}
    for path in metrics_paths:
        run = metrics_file.read(path)
        accuracies.setdefault(run["variant"], []).append(run["validation_accuracy"])
    names, words = [], ""
    for group in groups:
        points, best = group["points"], group["best"]
        if best < len(points):
            ranked = sweep_selection.ranked([accuracies[point] for point in points])
            points = [points[place] for place in ranked[:best]]
            which = "the best" if best == 1 else f"the {best} best"
            words += f"; chosen on validation images: {which} of {len(ranked)} values"
        names += points
    return names, words


def _mean_of(files: Sequence[str], subset: str) -> run_figures.Predictions:
    """The mean probabilities of several files, and the labels that all of them have."""
    labels = hdf5.read_predictions(files[0], subset)[1]

    def probabilities(path: str) -> np.ndarray:
        found, own = hdf5.read_predictions(path, subset)
        if not np.array_equal(own, labels):
            raise UserError(
                f"{path}: its {subset} images are not those of {files[0]}, so there is no mean of "
                f"their predictions. Delete both runs and run the same command again."
            )
        return found

    return mean(map(probabilities, files)), labels


def _costs(members: Sequence[Metrics], networks: Sequence[Metrics]) -> dict[str, Any]:
    """What all networks cost together, each of them and each frozen backbone once.

    A prediction costs what those of all members cost.
    """
    backbones = {x["backbone"]: x for x in networks if x["backbone_parameters"]}.values()
    epochs = [x["epochs_run"] for x in networks if x["epochs_run"] is not None]
    extraction = [x["extraction_seconds"] for x in backbones if x["extraction_seconds"] is not None]
    return {
        **{
            key: sum(x[key] for x in networks)
            for key in ("parameters", "trainable_parameters", "train_seconds")
        },
        "epochs_run": float(np.mean(epochs)) if epochs else None,
        "train_peak_memory_mib": max(x["train_peak_memory_mib"] for x in networks),
        **{
            key: sum(x[key] for x in backbones)
            for key in ("backbone_parameters", "backbone_flops_per_image")
        },
        "extraction_seconds": sum(extraction) if extraction else None,
        **{
            key: sum(m[key] for m in members)
            for key in ("flops_per_image", "milliseconds_per_image")
        },
        **{
            key: max(m[key] for m in members)
            for key in ("evaluate_peak_memory_mib", "evaluate_load")
        },
        **{
            key: _joined(m[key] for m in members)
            for key in ("evaluate_processor", "evaluate_device")
        },
    }


def _provenance(members: Sequence[Metrics]) -> dict[str, Any]:
    """Where the members' networks come from; the most threads and the highest load of them."""
    found = [m["provenance"] for m in members]
    names = dict.fromkeys(name for x in found for name in x["versions"])
    commits = {x["git_commit"] for x in found}
    return {
        "inputs": {path: digest for x in found for path, digest in x["inputs"].items()},
        "versions": {
            name: _joined(x["versions"][name] for x in found if name in x["versions"])
            for name in names
        },
        "threads": max(x["threads"] for x in found),
        **{key: _joined(x[key] for x in found) for key in ("processor", "device")},
        "load": max(x["load"] for x in found),
        "git_commit": None if None in commits else _joined(sorted(commits)),
    }


def _joined(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))
