"""What a server's answer means for a download: go on, try again later, or look elsewhere."""

import requests
import urllib3

from convstudy.downloads.sources import Source, page_title

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class Refused(Exception):
    """This address does not have the file, and asking again would not help."""


class Broken(Exception):
    """The transfer did not begin or ended early; it may succeed later.

    Attributes:
        retry_after: seconds that the server asks to wait.
        start_over: whether what has arrived cannot be continued.
    """

    def __init__(self, message: str, retry_after: float = 0.0, start_over: bool = False) -> None:
        super().__init__(message)
        self.retry_after, self.start_over = retry_after, start_over


def check_status(
    response: requests.Response, source: Source, begin: int, longest_pause: float
) -> None:
    """Check an answer's status and range.

    Args:
        response: the answer to a request for the bytes from `begin` on.
        source: the file that is wanted.
        begin: number of bytes that are there already.
        longest_pause: seconds; a server that asks for a longer one is given up.

    Raises:
        Refused: the address does not have the file.
        Broken: the error is a temporary one.
    """
    code, said = response.status_code, f"HTTP {response.status_code} {response.reason}"
    if code in TRANSIENT:
        pause = _retry_after(response)
        if pause > longest_pause:
            raise Refused(f"{said}, and asks to wait {pause:.0f} seconds")
        raise Broken(said, pause)
    if code == 416 and source.size is None:
        raise Broken(said, start_over=True)
    if code not in (200, 206):
        raise Refused(said)
    if code == 206:
        span, _, total = response.headers.get("Content-Range", "").partition("/")
        _check_length(total, source)
        if not span.startswith(f"bytes {begin}-"):
            raise Broken(f"sent the range '{span}', asked for {begin}-", start_over=True)


def check_whole(response: requests.Response, source: Source, head: bytes) -> None:
    """Refuse another file by its length or first bytes, before anything is given up for it.

    Raises:
        Refused: the address has a web page or another file.
    """
    title = page_title(head)
    if title is not None:
        raise Refused(f"a web page{title} came in place of the file")
    _check_length(response.headers.get("Content-Length", ""), source)


def _check_length(length: str, source: Source) -> None:
    if source.size and length.isdigit() and int(length) != source.size:
        raise Refused(f"has a file of {int(length):,} bytes, expected {source}")


def _retry_after(response: requests.Response) -> float:
    """Seconds that a server asks to wait (a number or a date), 0 where it does not ask."""
    value = response.headers.get("Retry-After", "")
    try:
        return urllib3.Retry().parse_retry_after(value) if value else 0.0
    except urllib3.exceptions.InvalidHeader:
        return 0.0
