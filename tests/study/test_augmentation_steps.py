"""Lists of steps of augmentation in the config: what they become, and what is refused."""

import pytest
from configs import checked, refused

from convstudy.study import augmentation_steps, protocols, studies

CROP = {"kind": "random_crop", "padding": 2}
MIXUP = {"kind": "mixup", "alpha": 0.2}


def with_steps(steps, kind="normalize", **changes):
    """Changes of the shipped config: a demo of two nets on images, one of them with steps."""
    return {
        "generators__mine": {"kind": kind, "augmentation": steps},
        "variants__base_net__generator": "mine",
        "studies__demo__variants": ["base_net", "improved_net"],
    } | changes


def run_of(steps, *more, **changes):
    study = studies.resolve(checked(**with_steps(steps, *more, **changes)))["demo"]
    return study.rows[0], study


def test_steps_are_whole_blocks_of_the_run():
    run, study = run_of(["flip", CROP])
    assert run["generator"] == {
        "kind": "normalize",
        "options": {},
        "augmentation": [
            {"kind": "flip", "options": {"horizontal": 0.5, "vertical": 0.0}},
            {"kind": "random_crop", "options": {"padding": 2, "fill": "constant"}},
        ],
    }
    assert run["augments"] and augmentation_steps.kinds(run["generator"]) == ["flip", "random_crop"]
    told = study.spec()["rows"][0]["generator_options"]["augmentation"]
    assert told.startswith("flip {horizontal: 0.5") and "random_crop {padding: 2" in told
    pictures = dict(study.report_pictures()["Augmented images"])
    assert list(pictures) == ["mine on demo_objects"]


def test_without_the_key_a_run_is_what_it_was():
    _, study = run_of(["flip"])
    plain = study.rows[1]["generator"]
    assert plain["kind"] == "normalize" and list(plain) == ["kind", "options"]
    assert plain["options"]["width_shift"] == 0.1


@pytest.mark.parametrize("kind, steps, augments", [("none", [CROP], True), ("whiten", [], False)])
def test_the_list_decides_whether_a_generator_augments(kind, steps, augments):
    run, _ = run_of(steps, kind)
    assert run["augments"] is augments


@pytest.mark.parametrize(
    "steps, words",
    [
        (["flop"], ["generators.mine.augmentation.0.kind", "Did you mean 'flip'?"]),
        ([{"kind": "flip", "vertica": 1}], ["augmentation.0.vertica", "Did you mean 'vertical'?"]),
        ([{"kind": "flip", "vertical": 2}], ["augmentation.0.vertical: 2", "maximum of 1"]),
        ([{"kind": "mixup", "alpha": 0}], ["augmentation.0.alpha: 0 is less than or equal"]),
        ([{"kind": "shift", "fill": "nerest"}], ["Did you mean 'nearest'?"]),
        (
            ["flip", {"kind": "random_crop", "padding": 32}],
            ["augmentation.1.padding", "31 at most"],
        ),
        ([{"padding": 4}], ["'kind' is missing"]),
        ([4], ["augmentation.0: 4 is a number"]),
        ("flip", ["expected a list", "write augmentation: [flip]"]),
        (None, ["augmentation: the key is empty"]),
    ],
)
def test_what_no_step_can_be_is_refused(steps, words):
    refused(with_steps(steps), *words)


def test_a_mistyped_key_is_named():
    block = {"kind": "none", "augmentations": ["flip"]}
    refused({"generators__mine": block}, "'generators.mine.augmentations'", "'augmentation'")


def test_own_random_options_do_not_go_with_steps():
    block = {"kind": "normalize", "width_shift": 0.2, "augmentation": ["flip"]}
    refused({"generators__mine": block}, "'width_shift' and 'augmentation' do not go together")


def test_mixed_labels_do_not_go_with_class_weights():
    weighed = {"training__class_weights": "balanced"}
    run_of(["flip"], **weighed)
    refused(
        with_steps(["flip", MIXUP], **weighed), "'mixup' and training.class_weights", "base_net"
    )


def test_a_backbone_takes_steps_and_no_statistics():
    change = {
        "generators__mine": {"kind": "none", "augmentation": ["rotation", "cutmix"]},
        "variants__finetune_one_layer__generator": "mine",
        "studies__demo__variants": ["finetune_one_layer"],
    }
    (run,) = studies.resolve(checked(**change))["demo"].rows
    assert run["input"] == "backbone" and run["augments"]
    change["generators__mine"]["kind"] = "normalize"
    refused(change, "a backbone has its own input preprocessing")


def test_lists_are_swept_in_place_of_own_random_changes():
    lists = [[], ["flip"], ["flip", CROP]]
    change = {
        "variants__improved_net__sweep": {"generator.augmentation": lists},
        "studies__demo__variants": ["improved_net"],
    }
    rows = studies.resolve(checked(**change))["demo"].rows
    names = ["empty", "flip", "flip_random_crop_padding_2"]
    assert [row["variant"] for row in rows] == [f"improved_net__augmentation_{x}" for x in names]
    assert [len(row["generator"]["augmentation"]) for row in rows] == [0, 1, 2]
    assert all(row["generator"]["options"] == {} for row in rows)
    change["variants__improved_net__sweep"]["generator.augmentation"][1] = ["flib"]
    refused(change, "sweep.generator.augmentation.0.kind", "Did you mean 'flip'?")
    both = {"generator.augmentation": [["flip"]], "generator.width_shift": [0.1, 0.2]}
    refused(change | {"variants__improved_net__sweep": both}, "'width_shift' and 'augmentation'")


def test_a_protocol_says_that_validation_images_are_not_mixed():
    def told(steps):
        run, _ = run_of(steps, studies__demo__protocols=["practical"])
        return protocols.described([run])["practical"]

    assert "so early stopping sees noise, but never mixed" in told(["flip", MIXUP])
    assert "never mixed" not in told(["flip"])
