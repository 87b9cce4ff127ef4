import keras
import numpy as np
import pytest
from random_backbones import SIZE, SPEC

from convstudy.networks import backbones


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, *SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return backbones.build(SPEC | {"application": "MobileNetV2"}, SIZE, None)
