"""A real Slurm on this machine, where it is installed, and an environment with its plug-in."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import projects
import pytest
import slurm_cluster
from cluster_run import OnCluster


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """The Python of an environment that has ours, and what requirements-cluster.txt adds."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    requirements = projects.ROOT / "requirements-cluster.txt"
    pip = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "-r", requirements], check=True)
    return folder / "bin/python"


@pytest.fixture(scope="session")
def slurm():
    """A cluster of three nodes, for the session."""
    if shutil.which("slurmctld") is None:
        pytest.skip("Slurm is not installed (python tests/support/slurm_cluster.py install)")
    if reason := slurm_cluster.why_not():
        pytest.skip(reason)
    slurm_cluster.up()
    yield slurm_cluster
    slurm_cluster.down()


@pytest.fixture
def cluster(slurm):
    """The cluster with all its daemons and without jobs."""
    slurm.up()
    yield slurm
    slurm.said("scancel", "--user=root")


@pytest.fixture
def project(tmp_path, python) -> OnCluster:
    """A new project of the tiny study."""
    return OnCluster(tmp_path / "project", python)
