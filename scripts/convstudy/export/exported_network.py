"""A trained network for use: one Keras model that takes pixels, and what must travel with it.

The model takes pixels 0-255 (n, height, width, channels), of RGB or grey, and gives probabilities
(n, classes). The generator's statistics and, for a head on features, the backbone are layers of it.
`about` says what it is: class names, the form of its images, the run and its digests.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from convstudy import generators
from convstudy.data import folds, hdf5
from convstudy.decoding.form import Form
from convstudy.export.finished_run import FOLDER, FinishedRun
from convstudy.foundation import atomic_files, digests, fold_names, plugin_files
from convstudy.foundation.errors import UserError
from convstudy.networks import keras_file, keras_zip

# More than another machine's rounding changes, less than any other preprocessing does.
TOLERANCE = 1e-3
CHECKED = 32


@dataclass(frozen=True)
class Deployed:
    """A network that takes pixels, and what it is: `class_names`, `image_size`, the run."""

    model: keras.Model
    about: dict[str, Any]


def of_run(run: FinishedRun) -> Deployed:
    """Assemble the network of a finished run and compare it with the run's own predictions.

    Raises:
        UserError: the run's inputs were changed since, or the generator's `layers` do not do what
            its streams do.
    """
    metrics = atomic_files.read_json(run.output("metrics.json"))
    network = keras_file.load_model(run.output("model.keras"), run.spec["kind"])
    generator = run.spec["generator"] or {"kind": "none", "options": {}}
    make = generators.make(generator["kind"], generator["options"])
    statistics = hdf5.read_statistics(run.input("preprocessing"))
    if run.spec["input"] == "features":
        network = _with_backbone(keras_file.load_model(run.input("backbones")), network)
    shape = network.input_shape[1:]
    model = _chain(shape, [*make.layers(shape, statistics), network], metrics["variant"])
    _compare(model, run, generator["kind"], fold_names.parted(metrics["dataset"])[1])
    form = Form.of(hdf5.read_attributes(run.input("data")) | {"image_size": shape[:2]})
    return Deployed(model, _about(metrics, form, digests.of_file(run.output("model.keras"))))


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


def _compare(model: keras.Model, run: FinishedRun, generator: str, fold: int | None) -> None:
    """Refuse a network that does not repeat the run's predictions on its first test images."""
    expected, _ = hdf5.read_predictions(run.output("predictions.h5"))
    rows = np.arange(min(CHECKED, len(expected)))
    found = model.predict_on_batch(folds.test_images(run.input("data"), fold, rows))
    difference = np.abs(found - expected[rows]).max()
    if not difference <= TOLERANCE:
        file = plugin_files.label(plugin_files.path("generators", generator))
        raise UserError(
            f"{run.name}: the exported network gives other probabilities than predictions.h5 (by "
            f"up to {difference:.2g}): `layers` in {file} does not do what the "
            f"generator's `test_arrays` and `test_batch` do; correct it"
        )


def _about(metrics: dict[str, Any], form: Form, digest: str) -> dict[str, Any]:
    """What a user of the network must know, and what made it."""
    names = ("dataset", "variant", "seed", "model", "generator", "backbone")
    provenance = metrics["provenance"]
    return {
        "class_names": metrics["class_names"],
        "image_size": list(form.size),
        **form.recorded(),
        "pixels": form.described(),
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
    keras_file.save_model(deployed.model, path, deployed.about)


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
    about = keras_zip.read_about(path)
    if about is None:
        raise UserError(
            f"{path}: is a .keras file, but does not say what its classes are. Expected one that "
            f"./convstudy export wrote, or the folder of a run ({FOLDER})"
        )
    model = keras_file.load_model(path, foreign=True)
    try:
        form = Form.of(about)
        shapes = (None, *form.size, form.channels), (None, len(about["class_names"]))
        if (model.input_shape, model.output_shape) != shapes:
            raise ValueError(f"its shapes are not {shapes[0]} and {shapes[1]}")
    except (AttributeError, KeyError, TypeError, ValueError, UserError) as error:
        raise UserError(
            f"{path}: is another network than it says ({error}). Expected a file that "
            f"./convstudy export wrote: export the run again"
        ) from error
    return Deployed(model, about)
