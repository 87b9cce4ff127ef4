"""Networks on disk: backbones, initial weights, features."""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convstudy import backbones, keras_file, models, store
from convstudy.keras_file import save_model

log = logging.getLogger(__name__)
BATCH = 32


def load_model(path: Path | str, kind: str | None = None) -> keras.Model:
    """Load a network of this workflow, uncompiled, in safe mode.

    `kind` names the file in `models/` that may define layers of its own.
    """
    if kind:
        models.load(kind)
    return keras_file.load_model(path)


def array_of(takes: str) -> str:
    """The array of a data file that a model with this `INPUT` reads."""
    return "vectors" if takes == "features" else "images"


def initialize(
    spec: dict[str, Any], data_file: str, backbone_file: str | None, output: str
) -> None:
    """Write a network with the random weights that all its variants start from.

    Args:
        spec: `kind` and `options` of the model, `input`, and `backbone` (its block, or None).
        data_file: images or features that the network is for.
        backbone_file: the assembled backbone, for `input: backbone`.
        output: `.keras` file to write.
    """
    array = array_of(spec["input"])
    with store.open_hdf5(data_file) as file:
        shape = store.array(file, "train", array).shape[1:]
    classes = len(store.read_attributes(data_file)["class_names"])
    options = dict(spec["options"])
    if spec["input"] == "backbone":
        # A random backbone is drawn anew for each seed; a trained one is the same for all.
        random = spec["backbone"]["weights"] == "random"
        options["backbone"] = (
            backbones.build(spec["backbone"], shape[:2], None)
            if random
            else load_model(backbone_file)
        )
    model = models.build(spec["kind"], shape, classes, options)
    log.info("%s: %d parameters", spec["kind"], model.count_params())
    save_model(model, output)


def extract_features(data_file: str, backbone_file: str, output: str) -> None:
    """Run a backbone once over a data set and keep a pooled vector an image.

    Images are read, and vectors written, a batch at a time.
    """
    backbone = load_model(backbone_file)
    forward = tf.function(lambda x: _pooled(backbone(x, training=False)))
    about = store.read_attributes(data_file)
    with store.open_hdf5(data_file) as data, store.create_hdf5(output, about) as features:
        for subset in store.SUBSETS:
            images = store.array(data, subset, "images")
            group, vectors = store.create_group(features, subset), None
            for start in range(0, len(images), BATCH):
                batch = images[start : start + BATCH].astype(np.float32) / 255.0
                values = forward(tf.constant(batch)).numpy()
                if vectors is None:
                    shape = (len(images), values.shape[1])
                    vectors = store.create_array(group, "vectors", shape, np.float32)
                vectors[start : start + len(values)] = values
            store.write_array(group, "labels", store.array(data, subset, "labels")[...])
            log.info("%s: %d vectors of length %d", subset, *vectors.shape)


def _pooled(maps: tf.Tensor) -> tf.Tensor:
    """Global average pooling of feature maps; vectors stay as they are."""
    return tf.reduce_mean(maps, axis=(1, 2)) if len(maps.shape) == 4 else maps
