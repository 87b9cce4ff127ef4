"""One cache for several users: what one cannot read or remove is not there, and no error."""

import contextlib
import multiprocessing
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from jobs import copy, job_of

from convstudy.commands import main
from convstudy.foundation import digests
from convstudy.provenance import records, steps
from convstudy.provenance.cache import Cache

SOMEBODY = 65534  # has no rights of its own


@pytest.fixture
def place():
    """A folder that every user may enter, with a cache in it, made by this one."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    here = os.getcwd()
    os.chdir(folder)
    os.mkdir("cache")
    os.chmod("cache", 0o777)
    yield folder
    os.chdir(here)
    shutil.rmtree(folder)


@contextlib.contextmanager
def somebody_else():
    """Be another user; only root can."""
    if os.geteuid():
        pytest.skip("needs root, to be two users")
    os.seteuid(SOMEBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def step_of(number: int, content: str) -> tuple[str, dict]:
    """Write a file; the key and record of the step that left it."""
    Path("file").write_text(content)
    fields = {"wildcards": {"number": str(number)}, "params": {}, "code_of": ["a.py"], "code": {}}
    fields |= {"code_digest": digests.of_text("code"), "plugins": None, "threads": 1}
    fields |= {"format": records.FORMAT, "rule": "r", "inputs": [], "versions": {}}
    return records.key(fields), fields | {"outputs": {"file": digests.of_file("file")}}


def kept(number: int, content: str) -> str:
    key, step = step_of(number, content)
    Cache("cache", 1000).keep(key, step)
    Path("file").unlink()
    return key


def test_another_users_step_is_restored(place):
    key = kept(1, "one")
    with somebody_else():
        assert Cache("cache", 1000).restore(key, ["file"])
    assert Path("file").read_text() == "one"


@pytest.mark.parametrize("closed", ["steps", "objects", "steps/*", "objects/*", "objects/*/*"])
def test_what_cannot_be_read_is_a_miss_and_can_be_kept_again(place, closed):
    key = kept(1, "one")
    for path in Path("cache").glob(closed):
        path.chmod(0)
    with somebody_else():
        cache = Cache("cache", 1000)
        assert cache.restore(key, ["file"]) is None
        assert len(list(cache.steps())) == (0 if closed.startswith("steps") else 1)
        if closed == "objects/*/*":
            key, step = step_of(1, "one")
            cache.keep(key, step)
            os.unlink("file")
            assert cache.restore(key, ["file"])


def test_what_another_user_uses_in_steps_that_cannot_be_read_is_not_trimmed(place):
    key = kept(1, "one")
    for path in Path("cache/steps").iterdir():
        path.chmod(0o600)
    with somebody_else():
        Cache("cache", 1000).trim(0)
    assert Cache("cache", 1000).restore(key, ["file"])


def test_what_another_user_keeps_in_a_closed_folder_is_not_trimmed_and_no_error(place):
    kept(1, "one")
    for folder in (*Path("cache").glob("objects/*"), Path("cache/steps")):
        folder.chmod(0o755)
    with somebody_else():
        Cache("cache", 1000).trim(0)
    assert Cache("cache", 1000).size() == 3


@pytest.mark.parametrize("number_of", [lambda i: 1, lambda i: i], ids=["one step", "several"])
def test_processes_and_users_that_keep_the_same_bytes_at_once_all_succeed(place, number_of):
    if os.geteuid():
        pytest.skip("needs root, to be two users")
    context = multiprocessing.get_context("fork")
    for _ in range(10):
        shutil.rmtree("cache")
        os.mkdir("cache")
        os.chmod("cache", 0o777)
        together = context.Barrier(4)
        found = [step_of(number_of(i), "same") for i in range(4)]
        processes = [
            context.Process(target=keep_at_once, args=(together, i % 2, *one))
            for i, one in enumerate(found)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 4
        cache = Cache("cache", 1000)
        assert all(cache.restore(key, ["file"]) for key, _ in found)
        assert not list(Path("cache").rglob(".part*")) and not cache.damaged()


def keep_at_once(together, other_user: bool, key: str, step: dict) -> None:
    if other_user:
        os.setuid(SOMEBODY)
    together.wait()
    Cache("cache", 1000).keep(key, step)


def closed(mode):
    return lambda: os.chmod("cache", mode)


def only_read(mode):
    def close():
        for path in [Path("cache"), *filter(Path.is_dir, Path("cache").rglob("*"))]:
            path.chmod(mode)
        Path("in.txt").write_text("two")  # what is there would be restored

    return close


def behind_a_closed_folder():
    os.mkdir("above")
    os.rename("cache", "above/cache")
    os.chmod("above", 0o700)
    return "above/cache"


def a_file():
    shutil.rmtree("cache")
    Path("cache").write_text("no folder")


def read_only():
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "none", "cache"]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a file system")


def closed_below(pattern):
    def close():
        for path in Path("cache").glob(pattern):
            path.chmod(0o600)

    return close


ALONE = "nothing is kept in it or restored from it"
HINDERED = {
    "another user's": (closed(0o700), f"cache: {ALONE} .its permissions close it to you"),
    "not to be listed": (
        only_read(0o711),
        "cache: this result is not kept in it .Permission denied",
    ),
    "behind a closed folder": (behind_a_closed_folder, f"cache: {ALONE} .Permission denied"),
    "only read": (only_read(0o755), "cache: this result is not kept in it .Permission denied"),
    "a closed entry": (closed_below("steps/*"), "a result is there, but its permissions"),
    "a closed object": (closed_below("objects/*/*"), "a result is there, but its permissions"),
    "a closed folder below": (closed_below("steps"), f"cache: {ALONE}"),
    "a file": (a_file, f"cache: {ALONE} .it is no folder"),
    "a file system that is only read": (
        read_only,
        "cache: this result is not kept in it .Read-onl",
    ),
    "nobody's home": (lambda: "~nobody.of.that.name/cache", f"{ALONE} .there is no such home"),
    "nowhere": (lambda: "/proc/1/nothing", "nothing: this result is not kept in it"),
}


@pytest.mark.parametrize("case", HINDERED)
def test_a_step_is_done_whatever_the_cache_is_and_says_what_hinders(place, case):
    hinder, words = HINDERED[case]
    Path("in.txt").write_text("one")
    os.mkdir("results")
    steps.run(job_of(), copy)
    for name in ("results", "results/.convstudy", "results/.convstudy/locks/results", "."):
        os.chmod(name, 0o777)
    for path in [*Path("results").rglob("*"), Path("log.txt"), Path("done")]:
        path.chmod(0o777)
    Path("results/out.txt").unlink()
    job = job_of()
    job.config["cache"]["folder"] = hinder() or "cache"
    try:
        with somebody_else():
            steps.run(job, copy)
    finally:
        subprocess.run(["umount", "cache"], capture_output=True)
    assert Path("results/out.txt").read_text() == Path("in.txt").read_text()
    said = Path("log.txt").read_text()
    told = [line for line in said.splitlines() if "warning" in line]
    assert any(re.search(words, line) for line in told), said
    assert len(told) == 1 and "Traceback" not in said


@pytest.mark.parametrize("command", ["list", "check", "trim"])
@pytest.mark.parametrize("hinder", [closed(0o700), behind_a_closed_folder, a_file])
def test_the_commands_say_what_hinders(place, command, hinder):
    kept(1, "one")
    folder = hinder() or "cache"
    with somebody_else():
        done = CliRunner().invoke(main, ["cache", "--folder", folder, command])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert re.match(f"Error: {folder}: this cache cannot be looked into", done.output)


def test_what_a_killed_process_left_is_trimmed_after_a_day(place):
    kept(1, "one")
    left = next(Path("cache").glob("objects/*")) / ".part.1.x.abc"
    left.write_text("half")
    Cache("cache", 1000).trim(1000)
    assert left.exists()  # it may still be written
    os.utime(left, (0, 0))
    Cache("cache", 1000).trim(1000)
    assert not left.exists()


def test_folders_and_files_get_the_permissions_of_the_cache(place):
    os.chmod("cache", 0o2770)
    kept(1, "one")
    for path in Path("cache").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o2770 if path.is_dir() else 0o660), path
