"""A project in which a tiny study has run: built once, however many files test it."""

import fcntl
import os
import shutil
from pathlib import Path

import projects
import pytest


@pytest.hookimpl(tryfirst=True)  # before the one that reads the groups
def pytest_collection_modifyitems(items):
    """Give each file to one worker, and the one cluster of this machine, too."""
    for item in items:
        on_cluster = {"cluster", "python"} & set(item.fixturenames)
        group = "slurm" if on_cluster else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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
