"""A project in which a tiny study has run: built once, however many files test it."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import bucket_run
import cluster_run
import projects
import pytest
import s3_server
from xdist.scheduler import LoadFileScheduling


class OneCluster(LoadFileScheduling):
    """Gives each file to one worker, and all that may need the one cluster to the same.

    So it does all that needs the server of buckets, and its environment.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if file.startswith("tests/buckets/") or file.endswith("/test_kubernetes.py"):
            return "tests/buckets"
        return "tests/cluster" if file.startswith("tests/cluster/") else file


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, whole runs, so that no worker is left alone with one.

    Jobs on the cluster are waited for more than they compute, so another worker has the processor.
    Files that need the built project come last in their room: only one worker builds it.
    """
    first = ["cluster", "workflow", "buckets", "training"]
    rooms = {name: number for number, name in enumerate(first)}
    need_it = {item.path for item in items if "built" in item.fixturenames}
    items.sort(key=lambda x: (rooms.get(x.path.parent.name, len(first)), x.path in need_it))


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


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real server of S3 with a bucket, in an environment with the plug-ins."""
    folder = tmp_path_factory.mktemp("s3")
    needed = ("requirements-kubernetes.txt", "tests/requirements.txt")
    try:
        python = cluster_run.environment(folder / "environment", *needed)
    except subprocess.CalledProcessError:
        pytest.skip(f"{' and '.join(needed)} cannot be installed here")
    (folder / "data").mkdir()
    with s3_server.serve(folder / "data", python) as address:
        found = bucket_run.Server(address, python)
        found.client("make", s3_server.BUCKET)
        yield found


@pytest.fixture
def in_bucket(server, built, tmp_path) -> bucket_run.Project:
    """The tiny study, none of whose results is there; a cache has all."""
    folder = tmp_path / "project"
    bucket_run.put_sources(folder)
    root = f"s3://{s3_server.BUCKET}/{tmp_path.parent.name}/{tmp_path.name}"
    found = bucket_run.Project(folder, server, root)
    cache = shutil.copytree(built / "results/.convstudy/cache", tmp_path / "cache")
    found.add(f"cache: {{folder: {cache}}}\n")
    return found


@pytest.fixture(autouse=True)
def descriptors():
    """Give back what a step that runs in this process has redirected to its log, for good."""
    kept = {number: os.dup(number) for number in (1, 2)}
    yield
    for number, copy in kept.items():
        os.dup2(copy, number)
        os.close(copy)
