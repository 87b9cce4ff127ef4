"""A backbone whose weights come from a variant of the study."""

import yaml
from projects import edit, snakemake, stale

TARGET = "results/backbones/tiny_birds/own_birds.keras"


def test_a_backbone_takes_the_weights_of_a_variant_and_depends_on_its_code(copy):
    path = copy / "tiny.yaml"
    study = yaml.safe_load(path.read_text())
    study["variants"]["pretrain"] = {
        "dataset": "tiny_birds",
        "model": "finetune_one_layer",
        "backbone": "small",
        "training": {"epochs": 1},
    }
    study["backbones"] = {
        "small": {"application": "MobileNetV2", "weights": "random"},
        "own_birds": {"application": "MobileNetV2", "weights": {"variant": "pretrain"}},
    }
    study["variants"]["on_own"] = {"task": "birds", "model": "head_one_layer"} | {
        "backbone": "own_birds"
    }
    study["studies"]["tiny"]["variants"].append("on_own")
    path.write_text(yaml.safe_dump(study))
    done = snakemake(copy, TARGET)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Assembling own_birds for tiny_birds" not in stale(copy)
    edit(
        copy / "scripts/convstudy/models/fine_tuning.py", "def build(", "OTHER = 1\n\n\ndef build("
    )
    assert "Assembling own_birds for tiny_birds" in stale(copy)
