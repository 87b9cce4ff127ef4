"""What the commands make of a config file and of Snakemake's own options."""

from pathlib import Path

import pytest
from configs import ROOT

from convstudy.commands import _snakemake
from convstudy.foundation.errors import UserError

OURS = ["--snakefile", str(ROOT / "Snakefile")]


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine/my.yaml"
    path.parent.mkdir()
    path.write_text("study: mine\n")
    (tmp_path / "mine/more.yaml").write_text("study: more\n")
    return path


def test_the_demo_runs_where_it_can_have_been_meant_alone(tmp_path):
    (tmp_path / "own.yaml").touch()
    with pytest.raises(UserError, match=r"which study\?.*\(here is own.yaml\)"):
        _snakemake.arguments(["-n"])


def test_without_a_config_the_project_is_the_working_directory(tmp_path):
    (tmp_path / "results").mkdir()
    assert _snakemake.arguments(["-n"]) == ["results/summary.csv", *OURS, "-n"]
    assert _snakemake.project(_snakemake.arguments([])) == Path(".")


def test_the_project_is_the_folder_of_the_first_config(config):
    more = config.with_name("more.yaml")
    found = _snakemake.arguments(["mine/my.yaml", "mine/more.yaml", "--config", "study=two"])
    assert found == [
        *["results/summary.csv", *OURS, "--configfile", str(config), str(more)],
        *["--directory", str(config.parent), "--config", "study=two"],
    ]
    assert _snakemake.project(found) == config.parent


@pytest.mark.parametrize("given", [["--directory", "there"], ["-d", "there"]])
def test_another_folder_and_another_target_are_the_users(config, given):
    found = _snakemake.arguments(["mine/my.yaml", "results/report.html", *given])
    assert found == [*OURS, "--configfile", str(config), "results/report.html", *given]
    assert _snakemake.project(found) == Path("there")


def test_a_config_that_is_not_there_is_named_before_snakemake_starts():
    with pytest.raises(UserError, match="mine/mi.yaml: there is no such config file.*my.yaml"):
        _snakemake.arguments(["mine/mi.yaml"])
