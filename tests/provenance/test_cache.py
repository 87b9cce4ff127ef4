"""The cache gives back what was kept, whole and checked, or nothing."""

import json
import os
import shutil
from pathlib import Path

import pytest

from convstudy.foundation import digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import records
from convstudy.provenance.cache import Cache


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(name: str, content: bytes, number: int = 1) -> dict:
    """Write a file; the record of the step with this number, which left it."""
    Path(name).write_bytes(content)
    return record(number) | {"outputs": {name: digests.of_file(name)}}


def record(number: int) -> dict:
    fields = {
        "wildcards": {"number": str(number)},
        "params": {},
        "code_of": ["a.py"],
        "code": {},
        "plugins": None,
    }
    fields["code_digest"] = digests.of_text("code")
    return (
        fields
        | {"format": records.FORMAT, "rule": "r", "inputs": [], "versions": {}}
        | {"threads": 1}
    )


K = [records.key(record(number)) for number in range(4)]


def test_a_kept_step_comes_back_to_the_byte(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)
    Path("one").unlink()
    assert cache.restore(K[1], ["one"]) == step
    assert Path("one").read_bytes() == b"first"


def test_an_unknown_key_gives_nothing(folder):
    cache = Cache("cache", 1000)
    cache.keep(K[1], make("one", b"first"))
    Path("one").unlink()
    assert cache.restore(K[2], ["one"]) is None
    assert not Path("one").exists()


def test_two_steps_that_keep_equal_files_at_once_are_both_kept(folder, monkeypatch):
    cache, copyfile = Cache("cache", 1000), shutil.copyfile
    first, second = make("one", b"same"), make("two", b"same", 2)

    def copy_while_another_finishes(source, target):
        monkeypatch.setattr(shutil, "copyfile", copyfile)
        cache.keep(K[2], second)
        copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", copy_while_another_finishes)
    cache.keep(K[1], first)
    assert cache.restore(K[1], ["one"]) and cache.restore(K[2], ["two"])


def test_equal_files_are_kept_once(folder):
    cache = Cache("cache", 1000)
    cache.keep(K[1], make("one", b"same"))
    cache.keep(K[2], make("two", b"same", 2))
    assert cache.size() == 4


@pytest.mark.parametrize("damage", [b"", b"fir", b"fIrst", b"first and more"])
def test_a_damaged_object_is_never_given_back(folder, damage):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)
    Path("one").write_bytes(b"what was there")
    cache._object(step["outputs"]["one"]).write_bytes(damage)
    assert cache.damaged() == [cache._object(step["outputs"]["one"])]
    assert cache.restore(K[1], ["one"]) is None
    assert Path("one").read_bytes() == b"what was there"
    # and the next run of the step repairs the entry
    Path("one").write_bytes(b"first")
    cache.keep(K[1], step)
    Path("one").unlink()
    assert cache.restore(K[1], ["one"]) == step
    assert Path("one").read_bytes() == b"first"


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"outputs": {}}', '{"outputs": 3}'])
def test_a_damaged_entry_is_never_used(folder, damage):
    cache = Cache("cache", 1000)
    cache.keep(K[1], make("one", b"first"))
    cache._step(K[1]).write_text(damage)
    assert cache.restore(K[1], ["one"]) is None
    assert not cache._step(K[1]).exists()


def test_an_entry_of_another_step_is_never_used(folder):
    cache = Cache("cache", 1000)
    cache.keep(K[1], make("one", b"first"))
    cache._step(K[1]).rename(cache._step(K[2]))
    assert cache.restore(K[2], ["one"]) is None


@pytest.mark.parametrize("sha256", ["../../../mine", "", "0" * 63, 5, None])
def test_an_entry_that_names_no_digest_touches_nothing(folder, sha256):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)
    Path("mine").write_bytes(b"of the user")
    entry = step | {"outputs": {"one": sha256}}
    cache._step(K[1]).write_text(json.dumps(entry))
    assert list(cache.steps()) == []
    assert cache.restore(K[1], ["one"]) is None
    assert Path("mine").read_bytes() == b"of the user"


def test_a_damaged_entry_does_not_hinder_others(folder):
    cache = Cache("cache", 8)
    cache.keep(K[1], make("one", b"first"))
    cache._step(K[1]).write_text('{"outpuus": {}}')
    cache.keep(K[2], make("two", b"second", 2))  # beyond the limit: looks at all entries
    assert cache.restore(K[2], ["two"])


def test_a_cache_of_no_size_gives_nothing_back(folder):
    Cache("cache", 1000).keep(K[1], make("one", b"first"))
    assert Cache("cache", 0).restore(K[1], ["one"]) is None


def test_all_files_of_a_step_come_back_or_none(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    step["outputs"] |= make("two", b"second")["outputs"]
    cache.keep(K[1], step)
    cache._object(step["outputs"]["two"]).unlink()
    Path("one").unlink()
    Path("two").unlink()
    assert cache.restore(K[1], ["one", "two"]) is None
    assert not Path("one").exists() and not Path("two").exists()


def test_the_limit_drops_what_was_used_longest_ago(folder):
    cache = Cache("cache", 25)
    for number in range(3):
        cache.keep(K[number], make(f"file{number}", bytes([number]) * 8, number))
        os.utime(cache._step(K[number]), (number, number))
    assert cache.restore(K[0], ["file0"])  # used again: now the newest
    cache.keep(K[3], make("file3", b"3" * 8, 3))
    assert cache.size() <= 25
    found = [number for number in range(4) if cache.restore(K[number], [f"file{number}"])]
    assert found == [0, 2, 3]


def test_a_step_larger_than_the_limit_is_not_kept(folder):
    cache = Cache("cache", 4)
    cache.keep(K[1], make("one", b"first"))
    assert cache.size() == 0 and not list(cache.steps())


def test_what_another_process_is_writing_is_no_object(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)
    unfinished = cache._object(step["outputs"]["one"]).with_name(".part.of_another")
    unfinished.write_bytes(b"half")
    assert cache.damaged() == [] and cache.size() == 5
    cache.trim(0)
    assert unfinished.exists()


def test_trimming_to_nothing_empties_it(folder):
    cache = Cache("cache", 1000)
    cache.keep(K[1], make("one", b"first"))
    cache.keep(K[2], make("two", b"second", 2))
    cache.trim(0)
    assert cache.size() == 0 and not list(cache.steps())


def test_a_place_that_cannot_be_written_is_an_error_and_no_miss(folder):
    cache = Cache("cache", 1000)
    Path("place").mkdir()
    cache.keep(K[1], make("place/one", b"first"))
    Path("place/one").unlink()
    Path("place").rmdir()
    Path("place").write_text("a file in place of a folder")
    with pytest.raises((UserError, OSError)):
        cache.restore(K[1], ["place/one"])
    assert cache._step(K[1]).is_file()


def test_an_object_that_cannot_be_read_is_a_miss(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)
    place = cache._object(step["outputs"]["one"])
    place.unlink()
    place.mkdir()
    assert cache.restore(K[1], ["one"]) is None
    assert Path("one").read_bytes() == b"first"


def test_an_entry_that_is_trimmed_meanwhile_does_not_hinder(folder, monkeypatch):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)

    def gone(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "utime", gone)
    assert cache.restore(K[1], ["one"]) == step


def test_a_damaged_object_of_the_same_size_is_mended_by_the_next_step(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep(K[1], step)
    cache._object(step["outputs"]["one"]).write_bytes(b"fIrst")
    cache.keep(K[1], step)
    assert cache.damaged() == []


def test_files_of_others_are_no_objects(folder):
    for name in ("ab/cdef0123", "ab/folder/file", f"ab/{'0' * 64}"):
        path = Path("cache/objects", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of another program")
    cache = Cache("cache", 1000)
    assert cache.damaged() == [] and cache.size() == 0
    cache.trim(0)
    assert len([path for path in Path("cache").rglob("*") if path.is_file()]) == 3
