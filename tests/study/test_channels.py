"""Data sets of grey images in the plan of runs: what takes them, and what is refused."""

import pytest
from configs import checked

from convstudy.foundation.errors import UserError
from convstudy.study import studies


def resolved(**changes):
    """The rows of the demo with a key that is given after the check of the schema."""
    config = checked()
    for dataset, block in changes.items():
        config["datasets"][dataset] |= block
    return studies.resolve(config)["demo"].rows


def test_networks_on_images_take_one_channel():
    assert resolved(demo_objects={"channels": 1}) == resolved()


def test_a_backbone_does_not():
    with pytest.raises(UserError) as refusal:
        resolved(demo_birds={"channels": 1})
    said = str(refusal.value)
    assert said.startswith("config: datasets.demo_birds.channels: 1, but backbone '")
    assert "of variant '" in said and "Write channels: 3" in said


def test_a_grey_image_may_have_three_times_the_pixels_to_be_whitened():
    larger = {"image_size": [100, 100]}
    with pytest.raises(UserError, match="too large for generator"):
        resolved(demo_objects=larger)
    assert resolved(demo_objects=larger | {"channels": 1})
