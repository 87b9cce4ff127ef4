"""A trained network for use: one Keras model that takes pixels, and what must travel with it.

The model takes RGB pixels 0-255 (n, height, width, 3) and gives probabilities (n, classes). The
generator's statistics and, for a head on features, the backbone are layers of it. `about` says what
it is: class names, image size, the run and its digests.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from convstudy import digests, files, generators, networks, records, store
from convstudy.errors import UserError

# More than another machine's rounding changes, less than any other preprocessing does.
TOLERANCE = 1e-3
CHECKED = 32
RUN = "results/runs/<dataset>/<variant>/seed<N>"


@dataclass(frozen=True)
class Deployed:
    """A network that takes pixels, and what it is: `class_names`, `image_size`, the run."""

    model: keras.Model
    about: dict[str, Any]


class _Run:
    """The files of a finished run, each compared with the records of the steps that made them."""

    def __init__(self, folder: Path):
        parts = Path(os.path.abspath(folder)).parts
        if parts[-5:-3] != ("results", "runs") or not folder.is_dir():
            raise UserError(
                f"{folder}: is no folder of a run. Expected {RUN}, inside the folder of the study"
                f"{_some_runs()}"
            )
        self.project, self.name = Path(*parts[:-5]), "/".join(parts[-5:])
        self.remedy = f"run `snakemake -c4 {self.name}/metrics.json`"
        self.training = self.record(f"{self.name}/model.keras")
        self.evaluation = self.record(f"{self.name}/metrics.json")
        model = f"{self.name}/model.keras"
        if _inputs(self.evaluation)[model] != self.training["outputs"][model]:
            raise UserError(f"{folder}: the network is newer than its evaluation: {self.remedy}")
        self.spec = json.loads(self.training["params"]["spec"])

    def record(self, output: str) -> dict[str, Any]:
        """The record of the step that made a file."""
        if not (self.project / output).is_file():
            raise UserError(
                f"{self.name}: the run is not finished, there is no {output}: {self.remedy}"
            )
        path = self.project / records.path_of(output)
        if not path.is_file():
            raise UserError(
                f"{output}: there is no record of its making ({path}). Records travel with the "
                f"results: copy the whole folder results/; or delete the file and {self.remedy}"
            )
        return files.read_json(path)

    def output(self, name: str) -> Path:
        """A file of the run."""
        path = f"{self.name}/{name}"
        made = self.evaluation if path in self.evaluation["outputs"] else self.training
        return self.whole(path, made["outputs"][path])

    def input(self, folder: str) -> Path | None:
        """What the network is made from out of `results/{folder}`, if anything."""
        for path, sha256 in self._sources().items():
            if path.startswith(f"results/{folder}/"):
                return self.whole(path, sha256)
        return None

    def _sources(self) -> dict[str, str]:
        """Inputs of the training and, for a head on features, of the features: path to SHA-256."""
        inputs = _inputs(self.training)
        for path in [path for path in inputs if path.startswith("results/features/")]:
            features = self.record(path)
            if features["outputs"][path] != inputs[path]:
                raise self._changed(path)
            inputs |= _inputs(features)
        return inputs

    def whole(self, path: str, sha256: str) -> Path:
        """The path of a file that has the bytes it had when the run was made."""
        found = self.project / path
        if not found.is_file() or digests.of_file(found) != sha256:
            raise self._changed(path)
        return found

    def _changed(self, path: str) -> UserError:
        return UserError(
            f"{path}: is not the file that {self.name} was made with, it was changed or removed "
            f"since: {self.remedy}"
        )


def _inputs(record: dict[str, Any]) -> dict[str, str]:
    return {entry["path"]: entry["sha256"] for entry in record["inputs"]}


def _some_runs() -> str:
    """The end of a sentence: runs that are here."""
    found = sorted(str(path.parent) for path in Path().glob("results/runs/*/*/seed*/metrics.json"))
    return f", as {found[0]}" if found else " (there is none here)"


def of_run(folder: Path) -> Deployed:
    """Assemble the network of a finished run and compare it with the run's own predictions.

    Raises:
        UserError: the folder is no finished run, its inputs were changed since, or the generator's
            `layers` do not do what its streams do.
    """
    run = _Run(folder)
    metrics = files.read_json(run.output("metrics.json"))
    network = networks.load_model(run.output("model.keras"), run.spec["kind"])
    generator = run.spec["generator"] or {"kind": "none", "options": {}}
    make = generators.make(generator["kind"], generator["options"])
    statistics = store.read_statistics(run.input("preprocessing"))
    if run.spec["input"] == "features":
        network = _with_backbone(networks.load_model(run.input("backbones")), network)
    shape = network.input_shape[1:]
    model = _chain(shape, [*make.layers(shape, statistics), network], metrics["variant"])
    _compare(model, run, generator["kind"])
    return Deployed(model, _about(metrics, shape, digests.of_file(run.output("model.keras"))))


def _with_backbone(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Backbone, global pooling and head, on the images in [0, 1] that features come from."""
    backbone.trainable = False
    maps = len(backbone.output_shape) == 4
    pooling = [layers.GlobalAveragePooling2D(name="pooling")] if maps else []
    return _chain(backbone.input_shape[1:], [backbone, *pooling, head], "classifier")


def _chain(shape: tuple[int, ...], steps: list[keras.Layer], name: str) -> keras.Model:
    """A model of layers one after the other; equal names give equal bytes."""
    values = pixels = layers.Input(shape, name="pixels")
    for step in steps:
        values = step(values)
    return keras.Model(pixels, values, name=name)


def _compare(model: keras.Model, run: _Run, generator: str) -> None:
    """Refuse a network that does not repeat the run's predictions on its first test images."""
    expected, _ = store.read_predictions(run.output("predictions.h5"))
    rows = np.arange(min(CHECKED, len(expected)))
    found = model.predict_on_batch(store.read_rows(run.input("data"), "test", rows))
    difference = np.abs(found - expected[rows]).max()
    if not difference <= TOLERANCE:
        raise UserError(
            f"{run.name}: the exported network gives other probabilities than predictions.h5 (by "
            f"up to {difference:.2g}): `layers` in scripts/convstudy/generators/{generator}.py "
            f"does not do what the generator's `test_arrays` and `test_batch` do; correct it"
        )


def _about(metrics: dict[str, Any], shape: tuple[int, ...], digest: str) -> dict[str, Any]:
    """What a user of the network must know, and what made it."""
    names = ("dataset", "variant", "seed", "model", "generator", "backbone")
    provenance = metrics["provenance"]
    return {
        "class_names": metrics["class_names"],
        "image_size": list(shape[:2]),
        "pixels": "RGB, 0-255, resized to image_size (bilinear, aspect ratio not kept)",
        **{name: metrics[name] for name in names},
        "test_accuracy": metrics["test_accuracy"],
        "sha256": {"model": digest} | {name: provenance[name] for name in ("data", "code")},
        "versions": provenance["versions"],
    }


def save(deployed: Deployed, path: Path) -> None:
    """Write a network and what it is as one `.keras` file that needs no code but Keras's.

    Raises:
        UserError: the network has layers that are not Keras's own.
    """
    foreign = sorted(set(_foreign(keras.saving.serialize_keras_object(deployed.model))))
    if foreign:
        raise UserError(
            f"{deployed.about['variant']}: has parts that are not Keras's own "
            f"({', '.join(foreign)}), so no other program could load it: build the model of "
            f"built-in layers, or classify with ./convstudy predict and the run's folder"
        )
    with files.whole_file(path) as temporary:
        deployed.model.save(temporary)
        store.add_about(temporary, deployed.about)
        store.stable_zip(temporary)


def _foreign(config: Any) -> Iterator[str]:
    """Names of what a serialised model takes from elsewhere than Keras."""
    if isinstance(config, dict):
        module = config.get("module", "keras")
        if "class_name" in config and str(module).split(".")[0] != "keras":
            yield config.get("registered_name") or config["class_name"]
        config = list(config.values())
    if isinstance(config, list | tuple):
        for value in config:
            yield from _foreign(value)


def load(path: Path) -> Deployed:
    """Load what `save` wrote.

    Raises:
        UserError: the file is missing, damaged, or another model than `save` writes.
    """
    about = store.read_about(path)
    if about is None:
        raise UserError(
            f"{path}: is a .keras file, but does not say what its classes are. Expected one that "
            f"./convstudy export wrote, or the folder of a run ({RUN})"
        )
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        shapes = (None, *about["image_size"], 3), (None, len(about["class_names"]))
        if (model.input_shape, model.output_shape) != shapes:
            raise ValueError(f"its shapes are not {shapes[0]} and {shapes[1]}")
    except Exception as error:  # Keras raises many kinds for a bad file, and tells long stories
        reason = " ".join(str(error).split("Exception encountered: ")[-1].split())
        raise UserError(
            f"{path}: cannot be loaded ({reason.split('. ')[0]}). Expected a file that "
            f"./convstudy export wrote: export the run again"
        ) from error
    return Deployed(model, about)
