"""Snakemake, whose plans (`-n`) are each made in a child of one process that has imported it.

That import is half of a plan's time, and is the same each time. Nothing of this project is imported
before a child begins, so each reads the code of its own folder as a new process would.
"""

import importlib.util
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

WARM_PROCESS = Path(__file__).parents[2] / "scripts/convstudy/foundation/warm_process.py"
# What a plan imports, as far as it comes with Snakemake, and pandas.
LIBRARIES = (
    "pandas", "snakemake.cli", "snakemake.dag", "snakemake.report.html_reporter",
    "snakemake.storage", "sqlmodel", "smart_open", "yte",
)  # fmt: skip
MODULE = "snakemake.__main__"


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """What `python -m snakemake` does in a folder with these arguments, and this environment."""
    if "-n" in arguments and sys.platform == "linux":
        return _planned(folder, *arguments)
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _planned(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    request = {
        "arguments": [importlib.util.find_spec(MODULE).origin, *map(str, arguments)],
        "variables": dict(os.environ),
        "folder": os.fspath(folder),
    }
    with _socket() as connection, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        connection.connect(_address())
        with open(os.devnull) as nothing:
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(connection, [json.dumps(request).encode()], files)
        started, ended = connection.recv(10_000), connection.recv(100)
        assert started == b"s" and ended, (started, ended)
        out.seek(0)
        err.seek(0)
        said, wrong = out.read().decode(), err.read().decode()
    return subprocess.CompletedProcess(arguments, int(ended[1:]), said, wrong)


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@cache
def _address() -> bytes:
    """Where the process listens that this one has started, and that ends with it."""
    address = f"\0convstudy-plans-{os.getpid()}".encode()
    this = os.pidfd_open(os.getpid())
    with _socket() as listener:
        listener.bind(address)
        listener.listen()
        files = (listener.fileno(), this)
        subprocess.Popen(
            [sys.executable, "-P", __file__, *map(str, files)],
            pass_fds=files,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    os.close(this)
    return address


def _plan(request: dict) -> int:
    os.environ.clear()
    os.environ.update(request["variables"])
    os.chdir(request["folder"])
    sys.path.insert(0, request["folder"])  # as `-m` does
    sys.argv = request["arguments"]
    try:
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code or 0
    return 0


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("warm_process", WARM_PROCESS)
    warm_process = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(warm_process)
    warm_process.LIBRARIES = LIBRARIES
    warm_process.main(int(sys.argv[1]), int(sys.argv[2]), _plan)
