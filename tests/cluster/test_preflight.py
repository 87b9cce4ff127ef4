"""What is said before the first job, on a real Slurm."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DATA = "results/data/tiny_objects.h5"


def refused(project, *options: str, **how) -> str:
    """What a start says that is refused; nothing was submitted or made."""
    status, said = project.run(DATA, *options, **how)
    assert status == 1, said
    assert not (project.folder / "results/demo").exists()
    (sentence,) = re.findall(r"^error: (.*)$", said, re.M)
    return sentence


def test_what_the_cluster_does_not_have_is_refused_in_a_sentence(cluster, project):
    assert refused(project, "--default-resources", "slurm_partition=fast") == (
        "the cluster has no partition 'fast'; it has: gpu, main. Set slurm_partition in the profile"
    )
    said = refused(project, "--default-resources", "slurm_partition=main", "slurm_account=zoo")
    assert said.startswith("you may not use the account 'zoo'; yours are: lab, root.")
    said = refused(project, "--set-resources", "draw_objects:mem_mb=6500", options=())
    assert said.startswith("draw_objects asks for 6500 MB of memory, which no node of partition")


def test_more_time_than_the_partition_gives_is_refused(cluster, project):
    said = refused(project, options=("--resources", "runtime=90", "mem_mb=6000", "turns=1"))
    assert said.startswith("prepare_data asks for 90 minutes, and partition 'main' gives 60")
    assert "`resources: runtime: 60`" in said


def test_a_limit_for_threads_is_refused(cluster, project):
    assert "--workflow-profile in place of --profile" in refused(project, "-c2")


def test_a_project_that_the_nodes_do_not_see_is_refused(cluster, project):
    # a file system of this process alone, as a local disk of the login node is
    command = project.command(DATA)
    inner = "mount -t tmpfs none {0} && cp -a {1}/. {0} && cd {0} && exec {2}".format(
        project.folder, f"{project.folder}.copy", " ".join(map(str, command))
    )
    shutil.copytree(project.folder, f"{project.folder}.copy")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", inner], capture_output=True, text=True, check=False
    )
    if "unshare failed" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert done.returncode == 1, done.stderr
    assert "do not see this folder" in done.stdout + done.stderr


def test_a_machine_without_slurm_is_told_so(cluster, project, tmp_path, monkeypatch):
    names = ("sbatch", "sinfo", "squeue", "sacct", "scontrol", "srun", "scancel")
    folders = os.environ["PATH"].split(":")
    kept = tmp_path / "bin"
    kept.mkdir()
    for path in (x for folder in reversed(folders) for x in Path(folder).glob("*")):
        if path.name not in names and not (kept / path.name).is_symlink():
            (kept / path.name).symlink_to(path)
    monkeypatch.setenv("PATH", str(kept))
    assert refused(project).startswith("there is no sbatch on this machine: start the study on a")


def test_a_controller_that_does_not_answer_is_told(cluster, project):
    cluster.kill("slurmctld")
    assert refused(project).startswith("Slurm does not answer (")


def test_nodes_without_the_environment_are_told(cluster, project, tmp_path):
    # the nodes find a Python that does not run there
    project.python = Path(
        shutil.copytree(project.python.parents[1], tmp_path / "own", symlinks=True), "bin/python"
    )
    packages = next((tmp_path / "own").glob("lib/*/site-packages"))
    (packages / "sitecustomize.py").write_text(
        "import os, sys\nif 'SLURM_JOB_ID' in os.environ:\n    sys.exit('no such library')\n"
    )
    said = refused(project)
    assert "cannot run Snakemake with" in said and str(tmp_path / "own") in said


def test_another_version_of_the_plug_in_is_refused(cluster, project):
    text = (project.folder / "requirements-cluster.txt").read_text()
    changed = text.replace("plugin-slurm==2.8.0", "plugin-slurm==2.1.0")
    (project.folder / "requirements-cluster.txt").write_text(changed)
    assert "2.8.0 is installed, and profiles/slurm is written for 2.1.0" in refused(project)


def test_convstudy_run_names_an_option_that_the_plug_in_does_not_know(project):
    path = project.folder / "profiles/slurm/config.yaml"
    path.write_text(path.read_text() + "slurm-telepathy: true\n")
    command = [project.python, "convstudy", "run", "tiny.yaml", "--workflow-profile", "slurm"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "does not know slurm-telepathy" in done.stderr
