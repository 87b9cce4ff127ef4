"""The cache gives back what was kept, whole and checked, or nothing."""

import os
from pathlib import Path

import pytest

from convstudy import digests
from convstudy.cache import Cache
from convstudy.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(name: str, content: bytes) -> dict:
    Path(name).write_bytes(content)
    return {"outputs": {name: digests.of_file(name)}}


def test_a_kept_step_comes_back_to_the_byte(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first") | {"rule": "r"}
    cache.keep("k1", step)
    Path("one").unlink()
    assert cache.restore("k1", ["one"]) == step
    assert Path("one").read_bytes() == b"first"


def test_an_unknown_key_gives_nothing(folder):
    cache = Cache("cache", 1000)
    cache.keep("k1", make("one", b"first"))
    Path("one").unlink()
    assert cache.restore("k2", ["one"]) is None
    assert not Path("one").exists()


def test_equal_files_are_kept_once(folder):
    cache = Cache("cache", 1000)
    cache.keep("k1", make("one", b"same"))
    cache.keep("k2", make("two", b"same"))
    assert cache.size() == 4


@pytest.mark.parametrize("damage", [b"", b"fir", b"fIrst", b"first and more"])
def test_a_damaged_object_is_never_given_back(folder, damage):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep("k1", step)
    Path("one").write_bytes(b"what was there")
    cache._object(step["outputs"]["one"]).write_bytes(damage)
    assert cache.damaged() == [cache._object(step["outputs"]["one"])]
    assert cache.restore("k1", ["one"]) is None
    assert Path("one").read_bytes() == b"what was there"
    # and the next run of the step repairs the entry
    Path("one").write_bytes(b"first")
    cache.keep("k1", step)
    Path("one").unlink()
    assert cache.restore("k1", ["one"]) == step
    assert Path("one").read_bytes() == b"first"


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"outputs": {}}', '{"outputs": 3}'])
def test_a_damaged_entry_is_never_used(folder, damage):
    cache = Cache("cache", 1000)
    cache.keep("k1", make("one", b"first"))
    cache._step("k1").write_text(damage)
    assert cache.restore("k1", ["one"]) is None
    assert not cache._step("k1").exists()


def test_a_damaged_entry_does_not_hinder_others(folder):
    cache = Cache("cache", 8)
    cache.keep("k1", make("one", b"first"))
    cache._step("k1").write_text('{"outpuus": {}}')
    cache.keep("k2", make("two", b"second"))  # beyond the limit: looks at all entries
    assert cache.restore("k2", ["two"])


def test_a_cache_of_no_size_gives_nothing_back(folder):
    Cache("cache", 1000).keep("k1", make("one", b"first"))
    assert Cache("cache", 0).restore("k1", ["one"]) is None


def test_all_files_of_a_step_come_back_or_none(folder):
    cache = Cache("cache", 1000)
    step = {"outputs": make("one", b"first")["outputs"] | make("two", b"second")["outputs"]}
    cache.keep("k1", step)
    cache._object(step["outputs"]["two"]).unlink()
    Path("one").unlink()
    Path("two").unlink()
    assert cache.restore("k1", ["one", "two"]) is None
    assert not Path("one").exists() and not Path("two").exists()


def test_the_limit_drops_what_was_used_longest_ago(folder):
    cache = Cache("cache", 25)
    for number in range(3):
        cache.keep(f"k{number}", make(f"file{number}", bytes([number]) * 8))
        os.utime(cache._step(f"k{number}"), (number, number))
    assert cache.restore("k0", ["file0"])  # used again: now the newest
    cache.keep("k3", make("file3", b"3" * 8))
    assert cache.size() <= 25
    found = [key for key in ("k0", "k1", "k2", "k3") if cache.restore(key, [f"file{key[1]}"])]
    assert found == ["k0", "k2", "k3"]


def test_a_step_larger_than_the_limit_is_not_kept(folder):
    cache = Cache("cache", 4)
    cache.keep("k1", make("one", b"first"))
    assert cache.size() == 0 and not list(cache.steps())


def test_what_another_process_is_writing_is_no_object(folder):
    cache = Cache("cache", 1000)
    step = make("one", b"first")
    cache.keep("k1", step)
    unfinished = cache._object(step["outputs"]["one"]).with_name(".part.of_another")
    unfinished.write_bytes(b"half")
    assert cache.damaged() == [] and cache.size() == 5
    cache.trim(0)
    assert unfinished.exists()


def test_trimming_to_nothing_empties_it(folder):
    cache = Cache("cache", 1000)
    cache.keep("k1", make("one", b"first"))
    cache.keep("k2", make("two", b"second"))
    cache.trim(0)
    assert cache.size() == 0 and not list(cache.steps())


def test_a_place_that_cannot_be_written_is_an_error_and_no_miss(folder):
    cache = Cache("cache", 1000)
    Path("place").mkdir()
    cache.keep("k1", make("place/one", b"first"))
    Path("place/one").unlink()
    Path("place").rmdir()
    Path("place").write_text("a file in place of a folder")
    with pytest.raises((UserError, OSError)):
        cache.restore("k1", ["place/one"])
    assert cache._step("k1").is_file()
