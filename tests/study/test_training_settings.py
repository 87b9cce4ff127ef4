"""Blocks of optimizer, schedule and loss in a config: what is filled in, and what is refused."""

import pytest
from configs import from_yaml, selected

from convstudy.foundation.errors import UserError
from convstudy.study import training_settings

BASE = "variants: {base_net: "


def trainings(text):
    """The settings of the runs of `base_net`, by the variant's full name."""
    alone = "comparisons: {base_net_generators: {variants: [base_net_normalize, base_net_whiten]}}"
    rows = selected(from_yaml(f"{text}\n{alone}")).rows
    return {row["variant"]: row["training"] for row in rows if row["of"] == "base_net"}


def test_a_name_alone_has_the_defaults_of_its_kind():
    (found,) = trainings(BASE + "{training: {optimizer: AdamW, schedule: cosine}}}").values()
    assert found["optimizer"]["kind"] == "AdamW" and found["optimizer"]["weight_decay"] == 0.004
    assert found["schedule"] == {"kind": "cosine", "final": 0.0, "warmup": 0}
    assert found["loss"] == {"kind": "cross_entropy", "label_smoothing": 0.0}


def test_a_block_takes_the_place_of_the_one_above_it():
    text = "training: {optimizer: {kind: Adam, beta_1: 0.8}}\n"
    (found,) = trainings(text + BASE + "{training: {optimizer: {kind: SGD}}}}").values()
    assert found["optimizer"]["momentum"] == 0.9 and "beta_1" not in found["optimizer"]


def test_a_sweep_takes_blocks_and_their_options():
    found = trainings(
        BASE + "{sweep: {training.optimizer: [SGD, {kind: Adam, beta_1: 0.8}], "
        "training.optimizer.weight_decay: [null, 0.01], training.loss.label_smoothing: [0.1]}}}"
    )
    assert list(found) == [
        f"base_net__optimizer_{optimizer}__weight_decay_{decay}__label_smoothing_0p1"
        for optimizer in ("SGD", "Adam_beta_1_0p8")
        for decay in ("null", "0p01")
    ]
    last = list(found.values())[-1]
    assert (last["optimizer"]["beta_1"], last["optimizer"]["weight_decay"]) == (0.8, 0.01)
    assert all(x["loss"]["label_smoothing"] == 0.1 for x in found.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{training: {optimizer: Adm}}", ["training.optimizer", "'Adm'", "Did you mean 'Adam'?"]),
        ("{training: {optimizer: {kind: Adam, nesterov: true}}}", ["optimizer.nesterov"]),
        ("{training: {optimizer: {kind: SGD, momentum: 1}}}", ["optimizer.momentum", "maximum"]),
        ("{training: {optimizer: {beta_1: 1}}}", ["'kind' is missing", "Allowed: SGD, Adam"]),
        ("{training: {optimizer: {kind: SGD, clipnorm: 1, clipvalue: 1}}}", ["one of them"]),
        ("{training: {optimizer: [SGD, Adam]}}", ["{training.optimizer: [SGD, Adam]}"]),
        ("{training: {schedule: step}}", ["training.schedule", "'epochs' is missing"]),
        ("{training: {schedule: {kind: step, epochs: [0]}}}", ["schedule.epochs.0", "minimum"]),
        ("{training: {schedule: {kind: cosine, warmup: 30}}}", ["warmup is 30", "has 30 at most"]),
        ("{training: {loss: {kind: focal, label_smoothing: 1}}}", ["loss.label_smoothing"]),
        ("{training: {monitor: val_f1}}", ["training.monitor", "Allowed: accuracy, loss, val_"]),
        ("{training: {min_delta: -1}}", ["training.min_delta", "minimum of 0"]),
        ("{sweep: {training.optimizer.momentum: [2]}}", ["base_net.sweep.training.optimizer.mom"]),
        ("{sweep: {training.optimizer.momentm: [0]}}", ["mean 'training.optimizer.momentum'?"]),
        ("{sweep: {training.schedule: [{kind: cosine, end: 1}]}}", ["sweep.training.schedule.end"]),
    ],
)
def test_what_no_training_takes_is_refused(text, words):
    with pytest.raises(UserError) as refusal:
        trainings(BASE + text + "}")
    assert all(word in str(refusal.value) for word in words), refusal.value
    assert "variants.base_net" in str(refusal.value)


def test_words_say_what_is_not_as_usual():
    settings = {
        "optimizer": {"kind": "SGD", "momentum": 0.5, "clipnorm": 1},
        "schedule": "cosine",
        "loss": {"kind": "focal", "gamma": 1.0},
    }
    training_settings.fill(settings, "training")
    assert training_settings.words(settings) == {
        "optimizer": "SGD, momentum 0.5, clipnorm 1",
        "schedule": "cosine",
        "loss": "focal, gamma 1.0",
    }
