"""What two variants of a comparison differ in beside what is compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from convstudy.statistics.evaluated_runs import EvaluatedRun

Row = Mapping[str, Any]
OF_EPOCHS = ("epochs at most", "patience", "seeds")


def differences(
    rows: tuple[Row, Row], runs: tuple[Sequence[EvaluatedRun], Sequence[EvaluatedRun]]
) -> str:
    """What makes a comparison unfair or hard to read, in words; empty where nothing does.

    Args:
        rows: baseline and variant, with `budget` (`epochs` and `patience` at most), `protocol`,
            `training`, and `methods` (optimizer, schedule and loss in words).
        runs: their runs, of all seeds.
    """
    pairs = {
        "predictions": [
            _joined(run.metrics.get("made_of", "one network") for run in side) for side in runs
        ],
        "epochs at most": [_epochs(row["budget"]) for row in rows],
        "patience": [_patience(row["budget"]) for row in rows],
        "protocol": [row["protocol"] for row in rows],
        **{name: [row["methods"][name] for row in rows] for name in rows[0]["methods"]},
        "class weights": [_weights(row["training"].get("class_weights", "none")) for row in rows],
        "seeds": [_seeds(*pair) for pair in zip(rows, runs, strict=True)],
        "training images": [_listed(run.metrics["n_train"] for run in side) for side in runs],
        "library versions": [_versions(side, _libraries(runs)) for side in runs],
    }
    if any(row.get("solved") for row in rows):  # what it has none of is not unequal
        unused = {*OF_EPOCHS, *rows[0]["methods"]}
        pairs = {key: pair for key, pair in pairs.items() if key not in unused}
    # None: a mean of networks that differ in this themselves
    known = {name: pair for name, pair in pairs.items() if None not in pair}
    found = [f"{name} {one} against {two}" for name, (one, two) in known.items() if one != two]
    changed = sorted(_changed_files([run for side in runs for run in side]))
    if changed:
        found.append(f"they read other contents of {', '.join(changed)}")
    return "; ".join(found)


def _epochs(budget: Mapping[str, Any]) -> str | None:
    return None if budget["epochs"] is None else str(budget["epochs"])


def _seeds(row: Row, runs: Sequence[EvaluatedRun]) -> str | None:
    """The seeds of a variant; of a mean over seeds its own words say them."""
    return None if row.get("one_network") else _listed(run.metrics["seed"] for run in runs)


def _patience(budget: Mapping[str, Any]) -> str | None:
    if budget["epochs"] is None:
        return None
    stops = budget["patience"] is not None and budget["patience"] < budget["epochs"]
    return str(budget["patience"]) if stops else "none"


def _weights(asked: str | Mapping[str, float] | None) -> str | None:
    if not isinstance(asked, Mapping):
        return asked
    return ", ".join(f"{name} {weight:g}" for name, weight in sorted(asked.items()))


def _libraries(sides: Iterable[Sequence[EvaluatedRun]]) -> list[str]:
    """The libraries that all runs use."""
    used = [set(run.metrics["provenance"]["versions"]) for side in sides for run in side]
    return sorted(set.intersection(*used)) if used else []


def _versions(runs: Sequence[EvaluatedRun], libraries: Sequence[str]) -> str:
    texts = (
        ", ".join(f"{name} {run.metrics['provenance']['versions'][name]}" for name in libraries)
        for run in runs
    )
    return _joined(texts)


def _changed_files(runs: Iterable[EvaluatedRun]) -> set[str]:
    """Files that two of the runs read, with other contents."""
    seen: dict[str, str] = {}
    inputs = [item for run in runs for item in run.metrics["provenance"]["inputs"].items()]
    return {path for path, digest in inputs if seen.setdefault(path, digest) != digest}


def _joined(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, dict.fromkeys(values)))
