"""Threads that the config leaves to the study: shared out at first, then what they were."""

import configs
import pytest

from convstudy.study import thread_counts

CONFIG = """
study: mine
studies:
  mine:
    seeds: [0, 1]
    tasks:
      objects: {dataset: objects, max_epochs: 1}
      birds: {dataset: birds, backbone: resnet50_random, max_epochs: 1}
    variants: VARIANTS
datasets:
  objects: {reader: cifar, files: {archive: a.tar.gz}, image_size: [32, 32]}
  birds: {reader: cub200_2010, files: {images: b.tgz, lists: c.tgz}, image_size: [32, 32]}
"""


def found(variants, cores, recorded=None, **threads):
    config = configs.from_yaml(CONFIG.replace("VARIANTS", str(variants)))
    return thread_counts.of_study(
        config["threads"] | threads, configs.selected(config), cores, (recorded or {}).get
    )


@pytest.mark.parametrize(
    ("variants", "cores", "images", "backbone"),
    [
        (["base_net"], 1, 1, 2),
        (["base_net"], 2, 1, 2),
        (["base_net"], 4, 2, 4),
        (["base_net"], 64, 4, 16),
        (["base_net", "improved_net"], 16, 4, 16),
        (["base_net", "improved_net", "base_net_normalize"], 16, 2, 16),
        (["finetune_one_layer"], 16, 4, 8),
        (["finetune_one_layer", "features_one_layer"], 16, 4, 5),
        (["base_net", "finetune_one_layer"], None, 1, 2),
    ],
)
def test_the_cores_are_shared_out_among_the_runs(variants, cores, images, backbone):
    assert found(variants, cores) == {"images": images, "features": 1, "backbone": backbone}


def test_a_number_stays_what_the_first_finished_run_had():
    record = {"results/runs/objects/base_net/seed1/run.json": 3}
    assert found(["base_net"], 16, record)["images"] == 3
    assert found(["base_net"], None, record)["images"] == 3
    features = {"results/features/birds/resnet50_random.h5": 7}
    assert found(["features_one_layer"], 16, features)["backbone"] == 7


def test_a_number_of_ones_own_stays():
    assert found(["base_net"], 16, {}, images=9, backbone=1)["images"] == 9
