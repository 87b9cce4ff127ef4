"""Edits of a project in which a tiny study has run, and what they make stale."""

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from projects import SOURCES, edit, snakemake, stale, why
from snakemake.persistence.file import FilePersistence


def test_another_value_of_a_sweep_makes_its_own_runs_stale(edited):
    edit(edited / "tiny.yaml", "[0.1, 0.01]", "[0.1, 0.3, 0.01]")
    jobs = stale(edited)
    trained = [job for job in jobs if job.startswith(("Training", "Evaluating"))]
    assert len(trained) == 4 and all("rates__learning_rate_0p3 " in job for job in trained)
    assert not [job for job in jobs if job.startswith(("Initial", "Features"))]


def test_second_run_has_nothing_to_do(project):
    assert stale(project) == []


def test_touching_every_file_makes_nothing_stale(edited):
    for path in [p for name in SOURCES for p in [edited / name, *(edited / name).rglob("*")]]:
        os.utime(path)
    assert stale(edited) == []


def test_comments_and_docstrings_make_nothing_stale(edited):
    path = edited / "scripts/convstudy/models/base_net.py"
    edit(path, '"""Build the network:', '"""Build this network:')
    edit(
        edited / "scripts/convstudy/training/loop.py",
        "import logging",
        "# a remark\nimport logging",
    )
    assert stale(edited) == []


def test_what_keeps_books_around_a_step_makes_nothing_stale(edited):
    log = 'log.info("restored from the cache (%s)", key[:12])'
    edit(edited / "scripts/convstudy/provenance/steps.py", log, log.replace("[:12]", "[:8]"))
    edit(
        edited / "scripts/convstudy/provenance/cache.py",
        "import logging",
        "import logging\n\nMORE = 1",
    )
    assert stale(edited) == []


IN_BRACKETS = re.compile(r"^( *from \S+ import )\(([^()]*)\)", re.M)


def in_one_line(found: re.Match) -> str:
    """An import over several lines in one, which says the same."""
    return found[1] + ", ".join(name.strip() for name in found[2].split(",") if name.strip())


def move(scripts: Path, old: str, new: str) -> None:
    """Move a module of the package, as `convstudy.a.b`, and correct every import of it."""
    path, target = (scripts / f"{name.replace('.', '/')}.py" for name in (old, new))
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    (target.parent / "__init__.py").touch()
    (above, name), (new_above, new_name) = (x.rsplit(".", 1) for x in (old, new))
    for file in scripts.rglob("*.py"):
        text = IN_BRACKETS.sub(in_one_line, file.read_text())
        changed = text.replace(f"from {old} import", f"from {new} import")
        several = re.compile(rf"^( *)from {above} import (.*)\b{name}\b(?:, )?(.*)$", re.M)
        changed = several.sub(
            lambda line: (
                f"{line[1]}from {new_above} import {new_name}\n"
                + f"{line[1]}from {above} import {line[2]}{line[3]}".rstrip(", ")
                * bool(line[2] or line[3])
            ),
            changed,
        )
        if changed != text:
            changed = re.sub(rf"(?<![\w.]){name}\.(?=\w)", f"{new_name}.", changed)
            file.write_text(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("convstudy.training.input_pipeline", "convstudy.feeding.input_pipeline"),
        ("convstudy.statistics.metrics", "convstudy.statistics.figures_of_merit"),
        ("convstudy.data.hdf5", "convstudy.storage.hierarchical_files"),
    ],
)
def test_a_module_that_is_moved_or_renamed_makes_nothing_stale(edited, old, new):
    move(edited / "scripts", old, new)
    assert stale(edited) == []
    edit(
        edited / f"scripts/{new.replace('.', '/')}.py",
        "\n\n\ndef ",
        "\n\n\nprint('on import')\n\n\ndef ",
    )
    assert stale(edited) != []
    shutil.rmtree(edited / "scripts")  # what was moved is not there in the sources


def test_a_models_code_makes_its_own_runs_stale(edited):
    edit(edited / "scripts/convstudy/models/base_net.py", "layers.Dense(50,", "layers.Dense(51,")
    jobs = stale(edited)
    assert sum("Training base_net_normalize" in job for job in jobs) == 2
    assert sum("Training base_net_whiten" in job for job in jobs) == 2
    assert not [job for job in jobs if "features_one_layer" in job or "Reading" in job]


def test_a_plots_code_makes_plots_and_their_summary_stale(edited):
    edit(
        edited / "scripts/convstudy/report/plots/comparison.py",
        "height = 3.1 + below",
        "height = 3 + below",
    )
    jobs = stale(edited)
    assert [job for job in jobs if job.startswith("Comparison ")]
    assert not [job for job in jobs if not job.startswith(("Comparison ", "Summary ", "Showing "))]


def test_what_picture_and_table_both_say_makes_both_stale(edited):
    edit(edited / "tiny.yaml", "title: Two generators", "title: Two preprocessings")
    jobs = stale(edited)
    assert sorted(job.split()[0] for job in jobs) == ["Comparison", "Showing", "Summary"]


def test_a_variants_block_makes_that_variant_stale(edited):
    block = "{task: objects, model: base_net, generator: whiten,"
    edit(
        edited / "config.yaml", block, block + " training: {optimizer: {kind: SGD, momentum: 0.8}},"
    )
    jobs = stale(edited)
    assert sum("Training base_net_whiten" in job for job in jobs) == 2
    assert not [job for job in jobs if "base_net_normalize" in job and "Comparison" not in job]


RUNS = ("Training", "Evaluating", "Initial", "Features", "Statistics", "Reading", "Assembling")


def runs(jobs: list[str]) -> list[str]:
    """The jobs that are not tables and pictures of the study."""
    return [job for job in jobs if job.startswith(RUNS)]


def test_a_new_seed_makes_only_its_own_runs_stale(edited):
    edit(edited / "tiny.yaml", "seeds: [0, 1]", "seeds: [0, 1, 7]")
    jobs = runs(stale(edited))
    assert sum(job.startswith("Training") for job in jobs) == 5
    assert all(job.endswith("seed 7") for job in jobs)


def test_a_new_variant_makes_only_its_own_runs_stale(edited):
    edit(edited / "tiny.yaml", "base_net_whiten, features", "base_net_whiten, base_net, features")
    jobs = runs(stale(edited))
    assert sum(job.startswith("Training") for job in jobs) == 2
    assert all("base_net on tiny_objects" in job for job in jobs)


def test_a_data_sets_settings_make_its_chain_stale(edited):
    edit(
        edited / "tiny.yaml",
        "image_size: [32, 32]\n  tiny_birds",
        "image_size: [33, 33]\n  tiny_birds",
    )
    jobs = runs(stale(edited))
    assert any("Reading and splitting tiny_objects" in job for job in jobs)
    assert sum(job.startswith("Training base_net") for job in jobs) == 4
    assert not [job for job in jobs if "features_one_layer" in job or "tiny_birds" in job]


def test_a_backbones_settings_make_its_features_stale(edited):
    edit(edited / "config.yaml", "weights: random, batch_norm_momentum: 0.9", "weights: random")
    jobs = runs(stale(edited))
    assert sum(job.startswith("Features of tiny_birds") for job in jobs) == 1
    assert sum(job.startswith("Training features_one_layer") for job in jobs) == 2
    assert not [job for job in jobs if "base_net" in job or "Reading" in job]


def test_the_precision_of_features_makes_those_stale_and_not_their_backbone(edited):
    block = "weights: random, batch_norm_momentum: 0.9"
    edit(edited / "config.yaml", block, f"{block}, precision: mixed_bfloat16")
    jobs = runs(stale(edited))
    assert sum(job.startswith("Features of tiny_birds") for job in jobs) == 1
    assert not [job for job in jobs if "base_net" in job or "Assembling" in job]


@pytest.mark.parametrize(
    "options",
    [
        ["-c1"],
        ["--set-threads", "train_model=2"],
        ["--set-resources", "train_model:mem_mb=999"],
        ["--config", "cache={folder: elsewhere}"],
        ["--workflow-profile", "none", "--rerun-triggers", "mtime", "params", "input"],
    ],
)
def test_how_it_is_run_makes_nothing_stale(project, options):
    assert stale(project, *options) == []


def test_the_number_of_threads_and_memory_make_nothing_stale(edited):
    given = "images: auto, features: 1, backbone: auto"
    edit(edited / "config.yaml", given, "images: 2, backbone: 1")
    edit(edited / "tiny.yaml", "study: tiny", "memory: {data_mb: 0}\nstudy: tiny")
    assert stale(edited) == []
    assert why(edited) == "nothing is stale\n"


def test_a_metrics_code_trains_nothing(edited):
    edit(edited / "scripts/convstudy/statistics/metrics.py", "EPSILON = 1e-7", "EPSILON = 1e-8")
    jobs = stale(edited)
    assert [job for job in jobs if job.startswith("Evaluating")]
    assert not [job for job in jobs if job.startswith(("Training", "Initial", "Features"))]


def test_why_says_what_changed_and_whom_it_concerns(edited):
    assert why(edited) == "nothing is stale\n"
    edit(edited / "scripts/convstudy/models/base_net.py", "layers.Dense(50,", "layers.Dense(51,")
    changed = "schedule: {kind: time_decay, rate: 1.0e-5}"
    edit(edited / "config.yaml", "schedule: time_decay", changed)
    said = why(edited)
    cause, jobs = "models/base_net.py: function build changed\n", said.split("\n")
    assert cause in said
    both = "train_model: base_net_normalize, base_net_whiten on tiny_objects, seeds 0-1"
    assert f"    {both}" in jobs
    assert "training.schedule.rate: 1e-06 -> 1e-05" in jobs
    assert "features_one_layer" not in said.split(cause)[1].split("training.schedule")[0]
    assert (edited / "results/summary.csv").is_file()


def test_a_run_that_was_not_finished_is_named_as_it_is_done_again(project):
    output = "results/runs/tiny_objects/base_net_whiten/seed0/model.keras"
    place = FilePersistence(path=project / ".snakemake")
    mark = Path(place._record_path(place._incomplete_path, output))
    mark.write_text('{"external_jobid": null}')  # as a killed run leaves it
    said, jobs = why(project), stale(project)
    mark.unlink()
    assert said.startswith("the earlier run was not finished\n    train_model: base_net_whiten on")
    assert f"{len(jobs)} steps" in said


def test_why_takes_a_target_and_options_in_any_order_and_answers_in_seconds(edited):
    edit(edited / "scripts/convstudy/models/base_net.py", "layers.Dense(50,", "layers.Dense(51,")
    target = "results/initial_weights/tiny_objects/base_net/seed0.keras"
    start = time.monotonic()
    said = why(edited, "-c4", target)
    assert time.monotonic() - start < 10
    assert said == why(edited, target, "-c4")
    assert "models/base_net.py: function build changed" in said
    assert "train_model" not in said and "1 steps" in said


def test_a_bad_key_is_refused_in_one_sentence(project):
    done = snakemake(project, "-n", "results/summary.csv", "--config", "studdy=tiny")
    assert done.returncode != 0
    assert "unknown key 'studdy'" in done.stdout + done.stderr
    assert "Did you mean 'study'?" in done.stdout + done.stderr


def test_a_variable_that_cuts_trainings_short_is_refused(project, monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    done = snakemake(project, "-n", "results/summary.csv")
    assert done.returncode == 1
    assert "KERAS_MAX_EPOCHS of the environment is '1'" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("results/studies/tiny/plots/curves_rate.png", "study 'tiny' has no variant and no sweep"),
        ("results/runs/tiny_birds/rate/seed0/run.json", "no study trains 'rate' on 'tiny_birds'"),
    ],
)
def test_a_variant_that_no_study_has_is_named(project, target, words):
    done = snakemake(project, "-n", target)
    assert done.returncode == 1 and words in done.stdout + done.stderr
