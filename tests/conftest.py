"""A project in which a tiny study has run: built once, however many files test it."""

import fcntl
import os
import shutil
from pathlib import Path

import projects
import pytest
from xdist.scheduler import LoadFileScheduling


class OneCluster(LoadFileScheduling):
    """Gives each file to one worker, and all that may need the one cluster to the same."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "tests/cluster" if file.startswith("tests/cluster/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return OneCluster(config, log)


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id) -> Path:
    """The project as its one run left it; nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "tiny"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other workers wait for the first
        if not folder.exists():
            projects.build(folder)
    return folder


@pytest.fixture(scope="module")
def project(built, tmp_path_factory) -> Path:
    """The project at a path of its own."""
    return Path(shutil.copytree(built, tmp_path_factory.mktemp("project") / "tiny", symlinks=True))


@pytest.fixture
def edited(project):
    """The project, whose sources are put back after the test."""
    yield project
    projects.put_sources(project)


@pytest.fixture
def copy(built, tmp_path) -> Path:
    """The project at another path, for tests that really run."""
    return Path(shutil.copytree(built, tmp_path / "copy", symlinks=True))


@pytest.fixture(autouse=True)
def descriptors():
    """Give back what a step that runs in this process has redirected to its log, for good."""
    kept = {number: os.dup(number) for number in (1, 2)}
    yield
    for number, copy in kept.items():
        os.dup2(copy, number)
        os.close(copy)
