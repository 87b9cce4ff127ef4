"""The tables of docs/models.md: what they say of a network is counted anew."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from convstudy import models
from convstudy.networks import costs
from convstudy.study import plugin_options

PAGE = (Path(__file__).parents[2] / "docs/models.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (?:`(.*)`)? ?\| ([\d,]+) \| (?:([\d,.]+) \| )?.*\|$", re.M)
ROWS = [(kind, options, *told) for kind, options, *told in ROW.findall(PAGE)]


@pytest.mark.parametrize(("kind", "options", "parameters", "mflops"), ROWS)
def test_a_networks_row_is_counted(kind, options, parameters, mflops):
    shape = (32, 32, 3) if mflops else (2048,)
    model = models.build(kind, shape, 10, yaml.safe_load(f"{{{options}}}"))
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert f"{trained:,}" == parameters
    if mflops:
        assert f"{costs.flops_per_image(model) / 1e6:,.1f}" == mflops


def test_every_network_has_a_row():
    known = {kind for kind, _ in plugin_options.readable("models")}
    assert {kind for kind, *_ in ROWS} == known - {"fine_tuning"}  # it is as large as its backbone
