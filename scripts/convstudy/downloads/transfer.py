"""Downloads: resumed, retried, from one address after another, and checked before they appear.

A download grows in a file of its own, beside the target and named after the checksum, so what a
broken or killed transfer left behind is continued by the next one and never mistaken for another
file. It gets its final name when size and checksum fit. A target that is there is never touched.
"""

import contextlib
import itertools
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
import tenacity
import urllib3

from convstudy.downloads.http_responses import Broken, Refused, check_status, check_whole
from convstudy.downloads.sources import Source
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError

log = logging.getLogger(__name__)

BLOCK = 64 * 1024
# A file of undeclared size may not fill the disk; the largest network of Keras has 1.4 GB.
MOST_BYTES = 4 * 1024**3
# A series of attempts that brought so many bytes earns another series.
WORTHWHILE = 1024**2


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        attempts: at one address, in a row without real progress.
        pause: seconds before the second attempt; it doubles each time, and a jitter is added.
        longest_pause: seconds; a server that asks for a longer one is given up.
        timeout: seconds without a byte.
        report_every: seconds between lines in the log.
    """

    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 120.0
    timeout: float = 60.0
    report_every: float = 5.0


def fetch(path: Path, source: Source, patience: Patience | None = None) -> None:
    """Make the file `path` from the first address that has it; leave a file that is there alone.

    Raises:
        UserError: no address gave the file (the message says what went wrong at each of them, and
            which file to put where), its checksum is unknown, or the disk is full.
    """
    if not source.checksums:
        raise UserError(
            f"{path}: nothing is downloaded that cannot be checked, and no checksum of it is "
            f"known. Fetch {' or '.join(source.addresses)} yourself and put it there, or describe "
            f"it under `sources` in the config."
        )
    key = next(iter(source.checksums.values()))[:12]
    part = path.with_name(f"{path.name}.{key}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(part) as stream:
            transfer = _Transfer(path, part, stream, source, patience or Patience())
            try:
                _from_any(transfer)
            finally:
                if os.path.lexists(path) or not transfer.size:
                    part.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}). Free some space or correct "
            f"the folder's permissions, and run the same command again: it continues."
        ) from error


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """Open a partial file for appending, for this process alone.

    Whoever had the lock before may have renamed the file: what was opened must still be the file
    of that name.
    """
    while True:
        with open(part, "a+b") as stream:
            atomic_files.lock(stream, str(part))
            if part.exists() and os.path.samestat(os.fstat(stream.fileno()), part.stat()):
                yield stream
                return


def _from_any(transfer: "_Transfer") -> None:
    """Try one address after the other until the file is there."""
    failures = []
    if transfer.is_needless() or transfer.is_complete():
        return transfer.finish()
    for address in transfer.source.addresses:
        try:
            transfer.run(address)
            return transfer.finish()
        except (Refused, Broken) as error:
            if transfer.is_needless():
                return transfer.finish()
            log.warning("%s: %s", address, error)
            failures.append(f"\n  {address}: {error}")
    raise UserError(
        f"{transfer.path}: could not be downloaded.{''.join(failures)}\nRun the same command "
        f"again later (it continues), add an address to the config's `sources`, or put the file "
        f"there yourself: {transfer.source}."
    )


@dataclass
class _Transfer:
    """The growing file of one source."""

    path: Path
    part: Path
    stream: BinaryIO
    source: Source
    patience: Patience

    @property
    def size(self) -> int:
        """Number of bytes that have arrived."""
        self.stream.flush()
        return os.fstat(self.stream.fileno()).st_size

    def is_needless(self) -> bool:
        """Whether someone put the file there meanwhile."""
        return os.path.lexists(self.path)

    def clear(self) -> None:
        """Forget what has arrived."""
        self.stream.flush()
        self.stream.truncate(0)

    def is_complete(self) -> bool:
        """Whether an earlier process had brought everything but the final name."""
        if self.source.size is None or self.size < self.source.size:
            return False
        if self.source.difference(self.part) is None:
            return True
        self.clear()
        return False

    def finish(self) -> None:
        """Give the file its name, unless there is one already."""
        if self.is_needless():
            log.warning("%s: is there already, and is left as it is", self.path)
            return
        os.fsync(self.stream.fileno())
        os.replace(self.part, self.path)
        log.info("%s: complete and checked (%s)", self.path, self.source)

    def run(self, address: str) -> None:
        """Bring the whole file from one address, and check it.

        Raises:
            Refused: the address has another file, or none.
            Broken: the server or the network is down.
        """
        continued = self.size > 0
        self._persist(address)
        found = self.source.difference(self.part)
        if found and continued:
            # the fault may lie in what was there before
            log.warning("%s: the continued file does not fit, starting over", self.path)
            self.clear()
            self._persist(address)
            found = self.source.difference(self.part)
        if found:
            self.clear()
            raise Refused(f"has another file: found {found}, expected {self.source}")

    def _persist(self, address: str) -> None:
        """Attempt until all bytes are there, as long as a series of attempts brings some."""
        patience, best = self.patience, self.size
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Broken),
            stop=tenacity.stop_after_attempt(patience.attempts),
            wait=pause_before_next(patience)
            + tenacity.wait_exception(lambda error: error.retry_after),
            before_sleep=_announce,
            reraise=True,
        )
        while True:
            try:
                return attempts(self._attempt, address)
            except Broken:
                if self.size < best + WORTHWHILE:
                    raise
                best = self.size

    def _attempt(self, address: str) -> None:
        if self.is_needless():
            raise Refused("not needed any more")
        if self.size == self.source.size:
            return
        # identity: the bytes of the file, not of a compressed transfer of it
        headers = {"Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
        try:
            with requests.get(
                address, headers=headers, stream=True, timeout=self.patience.timeout
            ) as response:
                self._receive(response)
        except Broken as error:
            if error.start_over:
                self.clear()
            raise
        except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
            raise Refused(f"no safe connection ({error})") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            reason = getattr(error.args[0] if error.args else error, "reason", error)
            raise Broken(f"no connection ({reason})") from error
        except urllib3.exceptions.HTTPError as error:
            raise Broken(f"broke off after {self.size:,} bytes ({error})") from error
        except requests.RequestException as error:
            raise Refused(str(error)) from error

    def _receive(self, response: requests.Response) -> None:
        """Append a response's body, or write it anew where the server knows no ranges."""
        check_status(response, self.source, self.size, self.patience.longest_pause)
        blocks = response.raw.stream(BLOCK, decode_content=False)
        first = next(blocks, b"")
        if response.status_code == 200:
            check_whole(response, self.source, first)
            self.clear()
        most = self.source.size or MOST_BYTES
        size = start = self.size
        began = reported = time.monotonic()
        for block in itertools.chain([first], blocks):
            size += len(block)
            if size > most:
                self.clear()
                raise Refused(f"sends more than the {most:,} bytes of the file")
            self.stream.write(block)
            now = time.monotonic()
            if now - reported >= self.patience.report_every:
                reported = now
                self._report(size, (size - start) / (now - began))
        self.stream.flush()
        if self.source.size and size < self.source.size:
            raise Broken(f"ended after {size:,} of {self.source.size:,} bytes")

    def _report(self, size: int, rate: float) -> None:
        total = self.source.size
        share = f" of {total / 1e6:.1f} MB ({size / total:.0%})" if total else " MB"
        log.info("%s: %.1f%s, %.2f MB/s", self.path, size / 1e6, share, rate / 1e6)


def pause_before_next(patience: Patience) -> tenacity.wait.wait_base:
    """The pauses between attempts, in seconds: doubled each time, with a jitter."""
    return tenacity.wait_exponential_jitter(
        multiplier=patience.pause, max=patience.longest_pause, jitter=patience.pause
    )


def _announce(state: tenacity.RetryCallState) -> None:
    log.warning("%s; next attempt in %.1f s", state.outcome.exception(), state.next_action.sleep)
