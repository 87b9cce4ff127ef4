"""A real HTTP server on the loopback, whose answers a test chooses."""

import http.server
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Reply = Callable[["Handler", bytes], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives each request to the next reply of its path; the last reply stays."""

    def do_GET(self):
        files: FileServer = self.server.files
        path = self.path.strip("/")
        files.ranges[path].append(self.headers.get("Range"))
        replies = files.replies[path]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        try:
            reply(self, files.content)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client had enough

    def head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, content: bytes) -> None:
        for start in range(0, len(content), 1000):
            block = content[start : start + 1000]
            self.wfile.write(block)
            self.server.files.served += len(block)

    @property
    def begin(self) -> int:
        return int((re.findall(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0])[0])

    def log_message(self, *args):
        pass


class FileServer:
    """The state that a test sets and looks at."""

    def __init__(self, content: bytes, port: int) -> None:
        self.content, self.root = content, f"http://127.0.0.1:{port}"
        self.replies: dict[str, list[Reply]] = defaultdict(lambda: [whole])
        self.ranges: dict[str, list[str | None]] = defaultdict(list)
        self.served = 0

    def address(self, path: str, *replies: Reply) -> str:
        """The address of a path that answers so, one reply a request."""
        self.replies[path] = list(replies) or [whole]
        return f"{self.root}/{path}"


@contextmanager
def serve(content: bytes) -> Iterator[FileServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.files = FileServer(content, server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def whole(handler: Handler, content: bytes, end: int | None = None, pause: float = 0) -> None:
    """The file or a range of it; up to `end` only; with a pause between thousands of bytes."""
    size, begin = len(content), handler.begin
    if begin >= size:
        return handler.head(416, Content_Range=f"bytes */{size}")
    span = {"Content_Range": f"bytes {begin}-{size - 1}/{size}"} if begin else {}
    handler.head(206 if begin else 200, Content_Length=size - begin, **span)
    for start in range(begin, size if end is None else end, 1000):
        handler.body(content[start : min(start + 1000, end or size)])
        time.sleep(pause)


def breaks_at(end: int) -> Reply:
    return lambda handler, content: whole(handler, content, end)


def slow(handler: Handler, content: bytes) -> None:
    whole(handler, content, pause=0.02)


def without_ranges(end: int | None = None) -> Reply:
    def reply(handler, content):
        handler.head(200, Content_Length=len(content))
        handler.body(content[:end])

    return reply


def status(code: int, **headers: object) -> Reply:
    return lambda handler, content: handler.head(code, **headers)


def other(content: bytes, announced: bool = True, **headers: object) -> Reply:
    """Other bytes than those of the file."""

    def reply(handler, _):
        length = {"Content_Length": len(content)} if announced else {}
        handler.head(200, **length | headers)
        handler.body(content)

    return reply


def announces(length: int) -> Reply:
    def reply(handler, content):
        handler.head(200, Content_Length=length)
        handler.body(content)

    return reply
