"""The warm process: TensorFlow is imported once in it, and it forks a child for each job.

It is a program of its own, started by `warm_start`, and imports nothing of ours or the user's and
runs no operation of TensorFlow: so a child finds code as it is on the disk by then, no device has
been touched, and no thread of a computation exists when it forks. OpenBLAS alone has threads by
then, and puts them away before each fork; any others, and it takes no jobs.

It ends with the Snakemake that it serves, however that ends, and its children end with it. A child
ends with the process that asked for it. The socket is an abstract one, so nothing is left behind.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import select
import selectors
import signal
import socket
import struct
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterator
from typing import NoReturn

LIBRARIES = ("numpy", "h5py", "tensorflow", "keras")
STARTED, REFUSED, ENDED = b"s", b"r", b"e"
LONGEST = 1 << 20  # bytes of a request
PATIENCE = 10  # seconds in which a request has to arrive
PR_SET_PDEATHSIG = 1


def peer(connection: socket.socket) -> int:
    """The user who is at the other end: an abstract socket has no permissions."""
    size = struct.calcsize("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return struct.unpack("3i", credentials)[1]


class Server:
    """Takes requests, forks, and tells each client how its child ended.

    Attributes:
        refusal: why no job is taken; None where jobs are.
    """

    def __init__(self, listener: socket.socket, snakemake: int, refusal: str | None):
        self.listener, self.snakemake, self.refusal = listener, snakemake, refusal
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.selector.register(snakemake, selectors.EVENT_READ, None)
        self.children: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> dict | None:
        """The request, in a child of it; None in the server, once Snakemake has ended."""
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return None
                request = key.data()
                if request is not None:
                    return request

    def _accept(self) -> dict | None:
        connection, _ = self.listener.accept()
        if peer(connection) != os.getuid():
            connection.close()
            return None
        files: list[int] = []
        try:
            connection.settimeout(PATIENCE)
            data, files, _, _ = socket.recv_fds(connection, LONGEST, 3)
            request = json.loads(data)
            if self.refusal:
                connection.sendall(REFUSED + self.refusal.encode())
                raise ConnectionError
            connection.sendall(STARTED)
        except (OSError, ValueError):  # it has ended meanwhile, or is refused
            for file in files:  # who reads from the client would wait for them
                os.close(file)
            connection.close()
            return None
        connection.settimeout(None)
        return self._fork(request, files, connection)

    def _fork(self, request: dict, files: list[int], connection: socket.socket) -> dict | None:
        server = os.getpid()
        child = os.fork()
        if not child:
            self._become_child(server, files, connection)
            return request
        for file in files:
            os.close(file)
        process = os.pidfd_open(child)
        self.children[child] = process, connection
        self.selector.register(process, selectors.EVENT_READ, lambda: self._ended(child))
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._left(child))
        return None

    def _ended(self, child: int) -> None:
        """A child has ended: its client is told how."""
        process, connection = self.children.pop(child)
        _, status = os.waitpid(child, 0)
        self.selector.unregister(process)
        os.close(process)
        if connection in self.selector.get_map():
            self.selector.unregister(connection)
        try:
            connection.sendall(ENDED + str(os.waitstatus_to_exitcode(status)).encode())
        except OSError:
            pass  # the client has ended, too
        connection.close()

    def _left(self, child: int) -> None:
        """A client has ended: so does its child."""
        process, connection = self.children.get(child, (None, None))
        if process is not None:
            self.selector.unregister(connection)
            signal.pidfd_send_signal(process, signal.SIGKILL)

    def _become_child(self, server: int, files: list[int], connection: socket.socket) -> None:
        end_with_parent(server)
        connection.close()
        for process, other in self.children.values():
            os.close(process)
            other.close()
        self.selector.close()
        self.listener.close()
        os.close(self.snakemake)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)


def end_with_parent(parent: int) -> None:
    """Let the system end this process with its parent, even if that has ended already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


@contextlib.contextmanager
def ending_with(snakemake: int) -> Iterator[None]:
    """End with Snakemake within the block, too; the thread that looks has gone after it."""
    reader, writer = os.pipe()

    def watch() -> None:
        ready, _, _ = select.select([snakemake, reader], [], [])
        if snakemake in ready:
            os._exit(0)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        os.close(writer)
        thread.join()
        os.close(reader)


def import_libraries() -> str | None:
    """Import what jobs share; why that failed, None if it did not."""
    # else TensorFlow's logger gets a handler of its own, beside that of a step's log
    logging.basicConfig(handlers=[logging.NullHandler()])
    try:
        for name in LIBRARIES:
            importlib.import_module(name)
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        logging.root.handlers.clear()
        logging.root.setLevel(logging.WARNING)
    return None


def what_hinders_forks() -> str | None:
    """Why no process can be forked, None if it can."""
    gc.collect()
    gc.freeze()  # a child's collections leave alone what all share
    probe = os.fork()  # before which OpenBLAS puts its threads away
    if not probe:
        os._exit(0)
    os.waitpid(probe, 0)
    if len(os.listdir("/proc/self/task")) > 1 or threading.active_count() > 1:
        return "its libraries run threads of their own"
    return None


def run_script(request: dict) -> int:
    """Run a script as a new Python would; its exit status."""
    variables = request["variables"]
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
    script = request["arguments"][0]
    sys.argv = request["arguments"]
    if not sys.flags.safe_path:
        sys.path.insert(0, os.path.dirname(os.path.realpath(script)))
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=script, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    try:
        with open(script, "rb") as stream:
            code = compile(stream.read(), script, "exec")
        exec(code, module.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(status: int) -> NoReturn:
    """End as Python does, but for taking all modules apart, as the children of multiprocessing do.

    That would touch, and so copy, what all children share: a fifth of a second.
    """
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def main(listener: int, snakemake: int, run: Callable[[dict], int] = run_script) -> NoReturn:
    """Serve until Snakemake ends; in a child, run its script."""
    with ending_with(snakemake):
        imported = import_libraries()
    refusal = imported or what_hinders_forks()
    request = Server(socket.socket(fileno=listener), snakemake, refusal).serve()
    if request is None:
        os._exit(0)  # children end at once with it
    end(run(request))


if __name__ == "__main__":
    main(int(sys.argv[2]), int(sys.argv[3]))
