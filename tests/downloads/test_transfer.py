"""Downloads from a real server on the loopback that behaves, and that misbehaves."""

import hashlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from file_server import announces, breaks_at, other, serve, slow, status, whole, without_ranges

from convstudy.downloads import transfer
from convstudy.downloads.sources import Source
from convstudy.foundation.errors import UserError

SIZE = 100_000
CONTENT = hashlib.shake_256(b"the file").digest(SIZE)
SHA256, MD5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()
WRONG = hashlib.shake_256(b"another file").digest(SIZE)
QUICK = transfer.Patience(attempts=3, pause=0.01, longest_pause=1.5, timeout=2)


@pytest.fixture
def server():
    with serve(CONTENT) as files:
        yield files


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "file.tgz"


def fetch(target, *addresses, patience=QUICK, **changes):
    known = {"size": SIZE, "sha256": SHA256} | changes
    transfer.fetch(target, Source(addresses=addresses, **known), patience)


def part_of(target, checksum=SHA256):
    return target.with_name(f"{target.name}.{checksum[:12]}.part")


def alone(target):
    """The file has arrived, and nothing is left beside it."""
    return target.read_bytes() == CONTENT and os.listdir(target.parent) == [target.name]


def refusal(target, *addresses, **changes):
    with pytest.raises(UserError) as error:
        fetch(target, *addresses, **changes)
    assert not target.exists()
    return str(error.value)


def test_a_file_arrives_whole(server, target):
    fetch(target, server.address("a"))
    assert alone(target)
    assert server.served == SIZE


@pytest.mark.parametrize("known", [{"md5": MD5, "sha256": None}, {"size": None}])
def test_an_md5_or_an_unknown_size_will_do(server, target, known):
    fetch(target, server.address("a", breaks_at(30_000), whole), **known)
    assert alone(target)
    assert server.served == SIZE


def test_a_broken_transfer_is_continued(server, target):
    fetch(target, server.address("a", breaks_at(30_000), breaks_at(70_000), whole))
    assert alone(target)
    assert server.ranges["a"] == [None, "bytes=30000-", "bytes=70000-"]
    assert server.served == SIZE  # no byte twice


def test_a_server_without_ranges_starts_over(server, target):
    fetch(target, server.address("a", without_ranges(30_000), without_ranges()))
    assert alone(target)
    assert server.served == 30_000 + SIZE


def test_another_address_continues_what_one_began(server, target):
    fetch(target, server.address("a", breaks_at(30_000), status(404)), server.address("b"))
    assert alone(target)
    assert server.ranges["b"] == ["bytes=30000-"]


def test_progress_earns_new_attempts(server, target, monkeypatch):
    monkeypatch.setattr(transfer, "WORTHWHILE", 10_000)
    breaks = [breaks_at(end) for end in range(10_000, SIZE, 10_000)]
    fetch(target, server.address("a", *breaks, whole))
    assert alone(target) and len(server.ranges["a"]) == 10 > QUICK.attempts


def test_no_progress_ends_after_the_attempts(server, target):
    message = refusal(target, server.address("a", breaks_at(500)))
    assert len(server.ranges["a"]) == QUICK.attempts
    assert "ended after 500 of 100,000 bytes" in message or "broke off after 500" in message
    assert part_of(target).read_bytes() == CONTENT[:500]  # for the next time


def test_404_is_not_asked_again(server, target):
    fetch(target, server.address("a", status(404)), server.address("b"))
    assert alone(target) and len(server.ranges["a"]) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, target, code):
    fetch(target, server.address("a", status(code), status(code), whole))
    assert alone(target) and len(server.ranges["a"]) == 3


def test_the_pause_is_the_one_the_server_asks_for(server, target):
    began = time.monotonic()
    fetch(target, server.address("a", status(503, Retry_After=1), whole))
    assert alone(target) and time.monotonic() - began >= 1


def test_a_server_that_asks_for_too_long_a_pause_is_left(server, target):
    fetch(target, server.address("a", status(503, Retry_After=3600)), server.address("b"))
    assert alone(target) and len(server.ranges["a"]) == 1


def test_pauses_grow():
    patience, pauses = transfer.Patience(pause=1, attempts=5), []
    state = transfer.tenacity.RetryCallState(None, None, (), {})
    for attempt in range(1, 6):
        state.attempt_number = attempt
        pauses.append(transfer.pause_before_next(patience)(state))
    assert all(2**i <= pause <= 2**i + 1 for i, pause in enumerate(pauses))


@pytest.mark.parametrize("length", [SIZE - 10, SIZE + 10])
def test_a_server_that_lies_about_the_length_is_left(server, target, length):
    fetch(target, server.address("a", announces(length)), server.address("b"))
    assert alone(target) and len(server.ranges["a"]) == 1


def test_a_silent_server_is_left_after_the_timeout(server, target):
    patience = transfer.Patience(attempts=2, pause=0.01, timeout=0.2)
    lazy = server.address("a", lambda handler, content: time.sleep(0.5))
    fetch(target, lazy, server.address("b"), patience=patience)
    assert alone(target) and len(server.ranges["a"]) == 2


def test_wrong_bytes_never_appear_and_both_sums_are_shown(server, target):
    message = refusal(target, server.address("a", other(WRONG)))
    assert SHA256 in message and hashlib.sha256(WRONG).hexdigest() in message
    assert os.listdir(target.parent) == []
    fetch(target, server.address("a", other(WRONG)), server.address("b"))
    assert alone(target)


def test_more_bytes_than_declared_are_cut_off(server, target):
    message = refusal(target, server.address("a", other(bytes(30_000_000), announced=False)))
    assert "more than the 100,000 bytes" in message
    assert server.served < 20_000_000
    assert os.listdir(target.parent) == []


def test_a_web_page_is_called_one_and_costs_nothing_of_what_is_there(server, target):
    page = b"<!DOCTYPE html><html><head><title>Quota exceeded</title></head></html>"
    replies = [breaks_at(30_000), other(page, announced=False, Content_Type="text/html")]
    message = refusal(target, server.address("a", *replies))
    assert "a web page 'Quota exceeded' came in place of the file" in message
    assert part_of(target).read_bytes() == CONTENT[:30_000]


def test_a_range_of_another_file_is_refused(server, target):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT[:30_000])
    longer = status(206, Content_Range=f"bytes 30000-{SIZE}/{SIZE + 1}")

    def shifted(handler, content):
        handler.head(206, Content_Range=f"bytes 20000-{SIZE - 1}/{SIZE}")
        handler.body(content[20_000:])

    assert "100,001 bytes" in refusal(target, server.address("a", longer))
    assert part_of(target).stat().st_size == 30_000
    fetch(target, server.address("b", shifted, whole))
    assert alone(target)


def test_a_corrupted_part_is_found_out_and_fetched_anew(server, target):
    target.parent.mkdir()
    part_of(target).write_bytes(b"x" + CONTENT[1:30_000])
    fetch(target, server.address("a"))
    assert alone(target)
    assert server.ranges["a"] == ["bytes=30000-", None]


@pytest.mark.parametrize("part", [CONTENT, WRONG, WRONG + b"more"])
def test_a_whole_part_is_used_only_if_it_is_right(server, target, part):
    target.parent.mkdir()
    part_of(target).write_bytes(part)
    fetch(target, server.address("a"))
    assert alone(target)
    assert server.served == (0 if part == CONTENT else SIZE)


def test_the_part_of_another_source_is_not_used(server, target):
    target.parent.mkdir()
    stranger = part_of(target, hashlib.sha256(WRONG).hexdigest())
    stranger.write_bytes(WRONG[:30_000])
    fetch(target, server.address("a"))
    assert target.read_bytes() == CONTENT and server.ranges["a"] == [None]
    assert stranger.read_bytes() == WRONG[:30_000]


def test_the_last_message_lists_every_address_and_what_to_put_where(server, target):
    closed = "http://127.0.0.1:9/closed"
    addresses = [server.address("a", status(404)), server.address("b", other(WRONG)), closed]
    message = refusal(target, *addresses)
    for words in ["HTTP 404", "another file", "no connection", *addresses, str(target)]:
        assert words in message
    assert "100,000 bytes" in message and SHA256 in message


def test_without_a_checksum_nothing_is_downloaded(server, target):
    message = refusal(target, server.address("a"), sha256=None)
    assert server.ranges["a"] == [] and f"{server.root}/a" in message


def test_a_file_that_is_there_is_left_alone(server, target):
    target.parent.mkdir()
    target.write_bytes(b"mine")
    fetch(target, server.address("a"))
    assert target.read_bytes() == b"mine" and server.ranges["a"] == []


def test_a_file_that_appears_meanwhile_is_left_alone(server, target):
    def put_there(handler, content):
        target.write_bytes(b"mine")
        whole(handler, content)

    fetch(target, server.address("a", put_there))
    assert target.read_bytes() == b"mine" and os.listdir(target.parent) == [target.name]


def test_two_at_once_fetch_it_once(server, target):
    address = server.address("a", slow)
    threads = [threading.Thread(target=fetch, args=(target, address)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone(target) and server.served == SIZE


def test_the_next_one_takes_over_where_the_first_one_fails(server, target):
    def late_404(handler, content):
        time.sleep(0.5)
        handler.head(404)

    failing, waiting = server.address("a", late_404), server.address("b")
    first = threading.Thread(target=pytest.raises, args=(UserError, fetch, target, failing))
    first.start()
    while not server.ranges["a"]:
        time.sleep(0.01)
    fetch(target, waiting)
    first.join()
    assert alone(target) and len(server.ranges["b"]) == 1


def test_a_killed_process_is_continued_by_the_next(server, target):
    code = (
        "import sys; from pathlib import Path; from convstudy.downloads import sources, transfer;"
        f"source = sources.Source((sys.argv[2],), {SIZE}, {SHA256!r});"
        "transfer.fetch(Path(sys.argv[1]), source)"
    )
    command = [sys.executable, "-c", code, str(target), server.address("a", slow)]
    scripts = Path(__file__).parents[2] / "scripts"
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(scripts)})
    part = part_of(target)
    while not (part.exists() and part.stat().st_size > 0):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived = part.stat().st_size
    assert not target.exists() and 0 < arrived < SIZE
    fetch(target, server.address("b"))
    assert alone(target) and server.ranges["b"] == [f"bytes={arrived}-"]


def test_progress_is_a_line_every_few_seconds(server, target, caplog):
    caplog.set_level(logging.INFO)
    patience = transfer.Patience(report_every=0.5)
    fetch(target, server.address("a", slow), patience=patience)
    lines = [x.getMessage() for x in caplog.records if "MB/s" in x.getMessage()]
    assert 1 <= len(lines) <= 5
    assert "of 0.1 MB (" in lines[0] and "%)" in lines[0]


def test_a_full_disk_is_told(server, target, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "No space")))
    assert "Free some space" in refusal(target, server.address("a"))
