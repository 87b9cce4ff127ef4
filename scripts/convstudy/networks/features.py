"""Features: what a frozen backbone says of each image, computed once for all heads."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from convstudy.data import batch_shards, hdf5
from convstudy.data.batch_shards import BATCH
from convstudy.foundation import atomic_files
from convstudy.networks import costs, folding, precision
from convstudy.networks.keras_file import load_model

log = logging.getLogger(__name__)


def extract_features(
    data_file: str,
    backbone_file: str,
    output: str,
    costs_output: str,
    computed_in: str = precision.FULL,
) -> None:
    """Run a backbone once over a data set and keep a pooled vector an image, in float32.

    Images are read, and vectors written, a batch at a time, of a data set with folds those of all
    folds; of a shard (see `batch_shards`) its own. What it cost is kept in a file beside (.json):
    `seconds` and `images` of all subsets, `parameters` and `flops_per_image` of the backbone.
    Seconds are never twice the same, and the features must be. `computed_in` is the precision of
    the forward pass, see `precision.compute_in`.
    """
    began, images_seen = time.perf_counter(), 0
    backbone = load_model(backbone_file)
    flops = costs.flops_per_image(backbone)
    forward = forward_of(backbone, computed_in)
    about, width = hdf5.read_attributes(data_file), backbone.output_shape[-1]
    with hdf5.open_hdf5(data_file) as data, hdf5.create_hdf5(output, about) as features:
        for subset in hdf5.groups_of(data):
            images = hdf5.array(data, subset, "images")
            batches = (images[x : x + BATCH] for x in range(0, len(images), BATCH))
            vectors = (found.numpy() for found in _one_behind(map(forward, batches)))
            batch_shards.write_vectors(features, data, subset, width, vectors)
            images_seen += len(images)
            log.info("%s: %d vectors of length %d", subset, len(images), width)
    about_costs = {
        "seconds": time.perf_counter() - began,
        "images": images_seen,
        "parameters": backbone.count_params(),
        "flops_per_image": flops,
    }
    atomic_files.write_json(costs_output, about_costs)


def forward_of(
    backbone: keras.Model, computed_in: str = precision.FULL
) -> Callable[[np.ndarray], tf.Tensor]:
    """The function of images (n, h, w, 3), uint8, that gives their pooled vectors (n, width).

    Args:
        backbone: which takes images in [0, 1]; it computes in another way from now on.
        computed_in: the precision, see `precision.compute_in`; vectors are float32 in any.
    """
    precision.compute_in(backbone, computed_in)
    log.info("%d batch norms folded into convolutions", folding.fold(backbone, whole=True))
    graph = tf.function(lambda x: _pooled(backbone(x, training=False)), autograph=False)
    return lambda images: graph(tf.constant(images.astype(np.float32) / 255.0))


def _one_behind(begun: Iterable[tf.Tensor]) -> Iterator[tf.Tensor]:
    """The same in their order, each once the next has begun, so that a GPU computes meanwhile."""
    before = None
    for found in begun:
        if before is not None:
            yield before
        before = found
    if before is not None:
        yield before


def _pooled(maps: tf.Tensor) -> tf.Tensor:
    """Global average pooling of feature maps, in float32; vectors stay as they are."""
    maps = tf.cast(maps, tf.float32)
    return tf.reduce_mean(maps, axis=(1, 2)) if len(maps.shape) == 4 else maps
