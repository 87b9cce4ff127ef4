"""A real Slurm on this machine, where it is installed, and an environment with its plug-in."""

import shutil
from pathlib import Path

import cluster_run
import pytest
import slurm_cluster


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """The Python of an environment that has ours, and what requirements-cluster.txt adds."""
    return cluster_run.environment(
        tmp_path_factory.mktemp("environment"), "requirements-cluster.txt"
    )


@pytest.fixture(scope="session")
def slurm():
    """What starts a cluster of three nodes, and stops it when the session ends."""
    if shutil.which("slurmctld") is None:
        pytest.skip("Slurm is not installed (python tests/support/slurm_cluster.py install)")
    if reason := slurm_cluster.why_not():
        pytest.skip(reason)
    yield slurm_cluster
    slurm_cluster.down()


@pytest.fixture
def cluster(slurm):
    """The cluster with all its daemons and without jobs."""
    slurm.up()
    yield slurm
    if slurm.running("slurmctld"):  # without it scancel tries for long
        slurm.said("scancel", "--user=root")


@pytest.fixture
def project(tmp_path, python) -> cluster_run.OnCluster:
    """A new project of the tiny study."""
    return cluster_run.OnCluster(tmp_path / "project", python)


@pytest.fixture
def prepared(built, tmp_path, python) -> cluster_run.OnCluster:
    """The project in which the tiny study has run, so that a new training is all there is to do."""
    shutil.copytree(built, tmp_path / "project", symlinks=True)
    return cluster_run.OnCluster(tmp_path / "project", python)
