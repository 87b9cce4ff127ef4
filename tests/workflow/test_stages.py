"""A variant with stages, through the workflow: what each reads, and what an edit costs."""

import json

import keras
import pandas as pd
import pytest
from configs import from_yaml, selected
from keras import layers
from projects import edit, snakemake, stale

from convstudy.foundation.errors import UserError

STUDY = """
study: staged
studies:
  staged:
    tasks: {birds: {dataset: tiny_birds, backbone: small, max_epochs: 3}}
    variants: [head, staged]
backbones: {small: {file: small.keras}}
variants:
  head: {task: birds, model: head_one_layer, training: {patience: null}}
  staged:
    task: birds
    model: finetune_one_layer
    training:
      patience: null
      stages:
        - {trains: head}
        - {trains: last, epochs: 2, learning_rate: 0.002, optimizer: Adam, backbone_rate: 0.5}
"""
WHOLE = ["Training staged on tiny_birds, seed 0, stage 1", "Training staged on tiny_birds, seed 0"]


@pytest.fixture
def staged(copy):
    keras.utils.set_random_seed(0)
    images = layers.Input((32, 32, 3))
    maps = layers.Conv2D(6, 5, strides=3, activation="relu", name="first")(images)
    maps = layers.Conv2D(8, 3, strides=2, activation="relu", name="last")(maps)
    keras.Model(images, maps).save(copy / "small.keras")
    (copy / "tiny.yaml").write_text((copy / "tiny.yaml").read_text().split("\ndatasets")[1])
    text = (copy / "tiny.yaml").read_text()
    (copy / "tiny.yaml").write_text(STUDY + "datasets" + text)
    return copy


def trainings(folder):
    return [job for job in stale(folder) if job.startswith("Training")]


def test_stages_are_trained_and_only_what_follows_an_edit_is_done_again(staged):
    run = snakemake(staged, "results/summary.csv")
    assert run.returncode == 0, run.stdout + run.stderr
    summary = pd.read_csv(staged / "results/summary.csv").set_index("variant")
    assert summary.loc["staged", ["epochs_mean", "budget_epochs"]].tolist() == [5, 5]
    folder = staged / "results/runs/tiny_birds/staged/seed0"
    made = [json.loads((folder / name).read_text()) for name in ("stage1.json", "run.json")]
    features = "results/features/tiny_birds/small.h5"
    assert features in made[0]["provenance"]["inputs"]
    assert features not in made[1]["provenance"]["inputs"]
    assert pd.read_csv(folder / "history.csv")["stage"].tolist() == [1, 1, 1, 2, 2]
    head = pd.read_csv(folder.parents[1] / "head/seed0/history.csv")
    assert len(head) == len(pd.read_csv(folder / "stage1.csv")) == 3
    assert trainings(staged) == []
    edit(staged / "tiny.yaml", "backbone_rate: 0.5", "backbone_rate: 0.25")
    assert trainings(staged) == WHOLE[1:]
    edit(staged / "tiny.yaml", "{trains: head}", "{trains: head, batch_size: 8}")
    assert sorted(trainings(staged)) == sorted(WHOLE)


def test_what_is_said_of_the_budget_is_of_all_stages():
    stages = "[{epochs: 7, patience: null}, {epochs: 4, patience: 2}, {epochs: 5, patience: null}]"
    text = f"variants: {{finetune_one_layer: {{training: {{stages: {stages}}}}}}}"
    study = selected(from_yaml(text))
    told = study.spec()["study"]["protocols"]["corrected"]
    assert "at most 16 epochs, patience 2 (finetune_one_layer)" in told
    (row,) = [x for x in study.spec()["rows"] if x["variant"] == "finetune_one_layer"]
    assert row["budget"]["epochs"] == 16


STAGES = "variants: {finetune_one_layer: {training: {stages: [{trains: head}, %s]}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STAGES.replace("one_layer", "conv") % "{}", ["stages.0.trains", "begins with feature"]),
        (STAGES % "{trains: head, backbone_rate: 2}", ["stages.1.backbone_rate", "trains: head"]),
        (STAGES % "{epoch: 2}", ["stages.1.epoch", "Did you mean 'epochs'?"]),
        (STAGES % "{optimizer: {kind: Adm}}", ["stages.1.optimizer", "'Adam'"]),
        (STAGES % "{stages: []}", ["stages.1.stages"]),
        ("variants: {base_net: {training: {trains: head}}}", ["has no backbone", "trains"]),
        ("variants: {features_one_layer: {training: {backbone_rate: 2}}}", ["has no backbone"]),
        (
            STAGES % "{}" + "\nbackbones: {resnet50_demo: {weights: random}}",
            ["random weights, other ones for each seed"],
        ),
        (
            "variants: {base_net: {sweep: {training.epochs: [1, 2]}, training: {stages: "
            "[{epochs: 1}, {epochs: 2}]}}}",
            ["sweep.training.epochs", "every stage has its own epochs"],
        ),
    ],
)
def test_stages_that_cannot_be_are_refused_before_any_job(text, words):
    with pytest.raises(UserError) as refusal:
        selected(from_yaml(text))
    assert all(word in str(refusal.value) for word in words), refusal.value
