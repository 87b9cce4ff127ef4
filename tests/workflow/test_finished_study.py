"""What a run of a tiny study leaves, how it is exported and published."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

from convstudy.foundation import atomic_files


def test_summary_has_a_row_a_variant(project):
    frame = pd.read_csv(project / "results/summary.csv")
    names = ["base_net_normalize", "base_net_whiten", "features_one_layer"]
    names += ["rates__learning_rate_0p1", "rates__learning_rate_0p01"]
    assert frame["variant"].tolist() == names
    assert frame["protocol"].tolist() == ["corrected"] * 5
    assert (frame["n_seeds"] == 2).all()
    assert frame["reference_accuracy"].isna().all()  # the data is not the practical's
    page = (project / "results/summary.md").read_text()
    assert "curves_base_net_whiten.png" in page and "sweep_rates.png" in page


def test_a_sweep_has_one_result_that_comparisons_use(project):
    frame = pd.read_csv(project / "results/summary.csv").set_index("variant")
    points = frame[frame["sweep"] == "rates"]
    assert points["selected"].sum() == 1
    chosen = points["validation_accuracy_mean"].idxmax()
    assert points.loc[chosen, "selected"]
    results, differences = (project / "results/summary.md").read_text().split("## Sweeps\n")
    (other,) = set(points.index) - {chosen}
    assert chosen in results and other not in results
    assert f"| {chosen} |" in differences.split("## Paired differences")[1]


def test_metrics_say_what_made_them(project):
    run = project / "results/runs/tiny_objects/base_net_normalize/seed1"
    metrics = atomic_files.read_json(run / "metrics.json")
    assert (metrics["variant"], metrics["seed"], metrics["n_classes"]) == (
        "base_net_normalize",
        1,
        25,
    )
    assert set(metrics["provenance"]) >= {"data", "code", "config", "versions", "git_commit"}
    history = pd.read_csv(run / "history.csv")
    assert len(history) == metrics["epochs_run"] <= 2


@pytest.mark.parametrize(
    "run", ["tiny_objects/base_net_whiten/seed1", "tiny_birds/features_one_layer/seed0"]
)
def test_a_run_can_be_exported(project, tmp_path, run):
    output = tmp_path / "model.keras"
    command = [sys.executable, "convstudy", "export", f"results/runs/{run}", output]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = atomic_files.read_json(project / f"results/runs/{run}/metrics.json")["class_names"]
    with zipfile.ZipFile(output) as archive:
        assert json.loads(archive.read("convstudy.json"))["class_names"] == names


def test_a_study_is_published_as_it_is(project):
    before = atomic_files.read_json(project / "results/.convstudy/records/results/summary.csv.json")
    command = [sys.executable, "convstudy", "publish", "docs/tiny", "--configfile", "tiny.yaml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    folder, name = project / "docs/tiny", "results/summary.csv"
    assert atomic_files.read_json(project / f"results/.convstudy/records/{name}.json") == before
    assert (folder / "summary.csv").read_bytes() == (project / name).read_bytes()
    page, tables = (folder / "README.md").read_text(), "## Results"
    own = (project / "results/summary.md").read_text()
    assert page.split(tables)[1].split("## Comp")[0] == own.split(tables)[1].split("## Comp")[0]
    assert "`./convstudy publish docs/tiny --configfile tiny.yaml`" in page
    shown = re.findall(r"!\[.*\]\((.*)\)", page)
    assert shown and all((folder / path).is_file() for path in shown)
    assert len(shown) == len(list(folder.rglob("*.png")))
    assert "samples" in own and "samples" not in page  # the data may not be ours to publish
    again = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert again.returncode == 0 and (folder / "README.md").read_text() == page
    (folder / "README.md").write_text("my own words\n")
    refused = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (
        refused.returncode == 1
        and "README.md: is there already and is not marked" in refused.stderr
    )
    assert (folder / "README.md").read_text() == "my own words\n"
    given = [*command, "--replace"]
    subprocess.run(given, cwd=project, capture_output=True, text=True, check=True)
    assert (folder / "README.md").read_text() == page


def test_what_does_not_fit_its_record_is_not_published(project):
    picture = project / "results/plots/curves_base_net_whiten.png"
    kept, stamp = picture.read_bytes(), picture.stat()
    picture.write_bytes(kept + b"x")
    os.utime(picture, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    command = [sys.executable, "convstudy", "publish", "docs/no", "--configfile", "tiny.yaml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    picture.write_bytes(kept)
    os.utime(picture, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert done.returncode == 1
    told = "plots/curves_base_net_whiten.png: is not what results/studies/tiny/summary.csv"
    assert f"results/studies/tiny/{told}" in done.stderr
    assert not (project / "docs/no").exists()
