"""The random weights that all variants of a model start from, one file a seed."""

import logging
from typing import Any

from convstudy.data import hdf5
from convstudy.networks import backbones, outputs
from convstudy.networks.keras_file import load_model, save_model

log = logging.getLogger(__name__)


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
    array = hdf5.array_of(spec["input"])
    with hdf5.open_hdf5(data_file) as file:
        shape = hdf5.array(file, hdf5.groups_of(file)[0], array).shape[1:]
    classes = len(hdf5.read_attributes(data_file)["class_names"])
    options = dict(spec["options"])
    if spec["input"] == "backbone":
        # A random backbone is drawn anew for each seed; a trained one is the same for all.
        random = spec["backbone"]["weights"] == "random"
        options["backbone"] = (
            backbones.build(spec["backbone"], shape[:2], None)
            if random
            else load_model(backbone_file)
        )
    model = outputs.build(spec["kind"], shape, classes, options)
    log.info("%s: %d parameters", spec["kind"], model.count_params())
    save_model(model, output)
