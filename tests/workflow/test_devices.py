"""A run on a machine that seems to have two GPUs."""

import json
import os
import shutil
import subprocess
import sys

import gpus
import pytest
from projects import edit, snakemake, stale

RUN = "results/runs/tiny_objects/base_net_normalize/seed0"
PLAN = """
import json
from convstudy.commands import _snakemake
dag = _snakemake.graph(["results/summary.csv", "--forceall", "--configfile", "tiny.yaml"])
limit = dag.workflow.global_resources["gpu"].value if "gpu" in dag.workflow.global_resources else 0
asked = {(job.rule.name, str(job.input.get("data")), job.resources.get("gpu")) for job in dag.jobs}
print(json.dumps([limit, sorted(asked, key=str)]))
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in gpus.put(tmp_path / "machine").items():
        others = filter(None, [os.environ.get(name)])
        monkeypatch.setenv(name, os.pathsep.join([folder, *others]))


def planned(folder):
    """How many steps may be on GPUs at a time, and what each rule and input asks for."""
    done = subprocess.run(
        [sys.executable, "-c", PLAN],
        cwd=folder, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": f"{folder}/scripts:{os.environ.get('PYTHONPATH', '')}"},
    )  # fmt: skip
    limit, asked = json.loads(done.stdout.splitlines()[-1])
    return limit, {(rule, data) for rule, data, number in asked if number}


def test_steps_on_images_ask_for_a_gpu_and_heads_on_features_for_none(machine, edited):
    with open(edited / "tiny.yaml", "a") as stream:
        stream.write("gpu: {jobs: 3}\n")
    limit, asked = planned(edited)
    assert limit == 6
    assert asked == {
        ("extract_features", "results/data/tiny_birds.h5"),
        ("train_model", "results/data/tiny_objects.h5"),
        ("evaluate_model", "results/data/tiny_objects.h5"),
    }


def test_on_the_processor_nothing_asks_for_one(machine, edited):
    edit(edited / "config.yaml", "device: auto", "device: cpu")
    assert planned(edited) == (0, set())


def test_another_device_makes_nothing_stale(machine, edited):
    assert stale(edited) == []
    edit(edited / "config.yaml", "device: auto", "device: cpu")
    assert stale(edited) == []


def test_a_gpu_that_nothing_can_use_is_one_sentence_at_the_start(edited, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    edit(edited / "config.yaml", "device: auto", "device: gpu")
    done = snakemake(edited, "-n")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "device: gpu, and there is no GPU that this process may use" in said
    assert "Traceback" not in said


def test_a_training_takes_nothing_of_the_processor_from_the_cache(machine, copy):
    shutil.rmtree(copy / RUN)
    done = snakemake(copy, f"{RUN}/model.keras")
    assert done.returncode != 0
    log = (copy / "results/logs/train_model/tiny_objects/base_net_normalize/seed0.log").read_text()
    assert "on GPU 0, NVIDIA Test 9000 (GPU-aaaa)" in log
    assert "error: TensorFlow sees no GPU, though there is one (NVIDIA Test 9000)" in log
    assert "restored" not in log
