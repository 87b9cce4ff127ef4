"""A job that needs TensorFlow is done in a child of one warm process, which has imported it.

The first job that needs it starts the warm process (`warm_process`), and all wait at its socket
until it is ready. Only jobs that are started alike meet there: the socket's name is a digest of the
Snakemake that they belong to and of all that a process inherits from who starts it (environment,
folder, limits, cores, namespaces), so a child has what its own Python would have had. Another
environment, say another number of threads, has a warm process of its own.

This is of Linux, and of jobs that Snakemake starts on its own machine: elsewhere a job imports
TensorFlow itself, and so it does where anything fails before the child runs.
"""

import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

from convstudy.foundation import warm_process
from convstudy.foundation.errors import UserError

OFFER = "CONVSTUDY_WARM_START"  # which Snakemake it is that starts the jobs
NEEDS_IT = {"tensorflow", "keras"}
GAINS = {"matplotlib"}  # which Keras imports, too
# These tell how a shell came to start the process, and no library reads them.
OF_SHELLS = {"_", "SHLVL", "OLDPWD"}
PROGRAM = """
import sys
sys.flags.safe_path or sys.path.pop(0)
import runpy
runpy.run_path(sys.argv[1], run_name="__main__")
"""


class _Impossible(Exception):
    """Why a job cannot be handed over."""


def offer() -> None:
    """Let the jobs of this Snakemake share a warm process."""
    if sys.platform == "linux" and hasattr(os, "pidfd_open"):
        os.environ[OFFER] = f"{os.getpid()} {_started(os.getpid())}"


def withdraw() -> None:
    """Let what this process starts import TensorFlow itself."""
    os.environ.pop(OFFER, None)


def is_offered(libraries: set[str]) -> bool:
    """Whether a step that imports these libraries may be handed over.

    One that only draws is, where a training before it has started a warm process.
    """
    if OFFER not in os.environ:
        return False
    return bool(NEEDS_IT & libraries) or (bool(GAINS & libraries) and _is_running())


def hand_over(note: Callable[[str], None]) -> None:
    """Do this script in a child of the warm process, and end as the child ends.

    Returns only where the child was not started, so that the script goes on by itself.

    Args:
        note: takes a sentence that says why that is.

    Raises:
        UserError: the warm process was ended while the child ran, or Snakemake before it did.
    """
    seen = _is_seen()
    try:
        if not seen:
            raise _Impossible("its Snakemake is not seen from here, as from within a container")
        connection = _request()
    except (OSError, _Impossible) as error:
        if seen and not _is_seen():
            raise UserError("Snakemake was ended before this step began") from error
        note(f"TensorFlow is imported by this step itself: {error}")
        return
    with connection:
        try:
            end = connection.recv(100)
        except ConnectionError:
            end = b""
    if not end:
        raise UserError(
            "the process that this step was done in, and others beside it, was ended from outside "
            "(by a lack of memory, say): run the same command again"
        )
    code = int(end.removeprefix(warm_process.ENDED))
    if code < 0:  # as the child ended, so does this process
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _request() -> socket.socket:
    """A connection at whose other end the child has been started.

    Raises:
        OSError, _Impossible: it has not.
    """
    if threading.active_count() > 1:
        raise _Impossible("it has threads already")
    connection = _connected()
    try:
        if warm_process.peer(connection) != os.getuid():
            raise _Impossible("another user has taken the name of its socket")
        request = {
            "arguments": sys.argv,
            # without the offer, so the child does the step
            "variables": {k: v for k, v in os.environ.items() if k != OFFER},
        }
        socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
        answer = connection.recv(10_000)
        if answer != warm_process.STARTED:
            why = answer.removeprefix(warm_process.REFUSED).decode(errors="replace")
            raise _Impossible(why or "the process that should have done so has ended")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_running() -> bool:
    """Whether there is a warm process, or one is about to be."""
    with _new_socket() as connection:
        return connection.connect_ex(_address()) == 0


def _connected() -> socket.socket:
    """A connection to the warm process, which is started if there is none."""
    address = _address()
    for _ in range(3):  # it may end, or another job may start it, meanwhile
        connection = _new_socket()
        try:
            connection.connect(address)
            return connection
        except ConnectionRefusedError:
            connection.close()
        with _new_socket() as listener:
            try:
                listener.bind(address)
            except OSError:
                continue
            listener.listen(128)
            _start(listener)
    raise _Impossible("no process could be started for it")


def _new_socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _start(listener: socket.socket) -> None:
    """Start the warm process; its socket takes requests before it is ready."""
    snakemake = os.pidfd_open(int(os.environ[OFFER].split()[0]))
    try:
        subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, warm_process.__file__),
                *map(str, (listener.fileno(), snakemake)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(listener.fileno(), snakemake),
            start_new_session=True,  # the terminal's Ctrl-C is for Snakemake, with which it ends
        )
    finally:
        os.close(snakemake)


def _address() -> bytes:
    return b"\0convstudy-" + _alike().encode()


def _alike() -> str:
    """A digest of what processes have in common that may share a warm one."""
    limits = [resource.getrlimit(getattr(resource, x)) for x in dir(resource) if "RLIMIT_" in x]
    umask = os.umask(0)
    os.umask(umask)
    inherited = [
        sorted((k, v) for k, v in os.environ.items() if k not in OF_SHELLS),
        [sys.executable, sys.version, sys.prefix, sys.base_prefix],
        [os.getcwd(), umask, os.getuid(), os.getgid(), os.getgroups(), os.nice(0)],
        [limits, sorted(os.sched_getaffinity(0))],
        [signal.getsignal(x) is signal.SIG_IGN for x in signal.valid_signals()],
        [_read("/proc/self/cgroup"), _read("/proc/self/oom_score_adj"), _namespaces("self")],
    ]
    return hashlib.sha256(json.dumps(inherited).encode()).hexdigest()[:40]


def _is_seen() -> bool:
    """Whether the Snakemake of this job runs here: outside, or inside of the same container."""
    process, started = os.environ[OFFER].split()
    try:
        return _started(process) == started and _namespaces(process) == _namespaces("self")
    except OSError:
        return False


def _started(process: int | str) -> str:
    """When a process started, by which it is told from a later one of its number."""
    return _read(f"/proc/{process}/stat").rpartition(")")[2].split()[19]


def _namespaces(process: int | str) -> list[str]:
    return [os.readlink(f"/proc/{process}/ns/{x}") for x in ("mnt", "net", "pid")]


def _read(path: str) -> str:
    with open(path) as stream:
        return stream.read()
