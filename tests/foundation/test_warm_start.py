"""A script that is handed to the warm process does what it does in a Python of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from convstudy.foundation import plugin_files, warm_start
from convstudy.foundation.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm process is of Linux")
START = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
sys.path.append({str(plugin_files.SCRIPTS)!r})
from convstudy.foundation import warm_start
if warm_start.is_offered({{"keras"}}):
    warm_start.hand_over(lambda why: print("note:", why))
"""
SURROUNDINGS = """
import json, resource, signal
umask = os.umask(0)
limits = [resource.getrlimit(getattr(resource, x)) for x in dir(resource) if "RLIMIT" in x]
variables = {k: v for k, v in os.environ.items() if k != "CONVSTUDY_WARM_START"}
state = [sys.argv, sys.path, os.getcwd(), variables, umask, limits, __name__, __file__]
state += [sorted(os.sched_getaffinity(0)), sys.flags, sorted(os.listdir("/proc/self/fd"))]
state += [str(signal.getsignal(signal.SIGINT)), sys.stdin.read(), sys.modules["__main__"].umask]
import keras
state += [keras.backend.backend(), keras.config.floatx(), len(os.listdir("/proc/self/task"))]
print(json.dumps(state))
print("said", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture(scope="module")
def snakemake():
    """What stands for Snakemake here: a process that the warm one ends with."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


@pytest.fixture
def start(snakemake, tmp_path):
    """Starts a script, with an offer or without."""

    def start(body, offer=True, of=snakemake, library="keras", **variables):
        script = tmp_path / "script.py"
        script.write_text(START.replace("keras", library) + body)
        # what names the test itself would give each test a warm process of its own
        inherited = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
        set_here = {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "tensorflow"}
        variables = inherited | set_here | variables
        if offer:
            variables[warm_start.OFFER] = f"{of.pid} {warm_start._started(of.pid)}"
        return subprocess.Popen(
            [sys.executable, str(script)],
            cwd=tmp_path.parent,  # in common, as that of a run
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def said(process) -> str:
    output, errors = process.communicate("given", timeout=100)
    assert "note:" not in output, output
    assert process.returncode in (0, 3), errors
    return output


def gone(process: int, seconds: float = 3) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def when_written(path: Path) -> list[int]:
    end = time.monotonic() + 60
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end
        time.sleep(0.02)
    return list(map(int, path.read_text().split()))


ENDING = """
import atexit, keras, threading, time
atexit.register(print, "at exit, without an end of line", end="")
threading.Thread(target=lambda: (time.sleep(0.3), print("of a thread"))).start()
print("at once")
sys.exit(3)
"""


def test_threads_exit_functions_and_output_are_waited_for(start):
    own, shared = start(ENDING, offer=False), start(ENDING)
    expected, found = said(own), said(shared)
    assert found == expected == "at once\nof a thread\nat exit, without an end of line"
    assert shared.returncode == own.returncode == 3


def test_the_surroundings_are_those_of_a_python_of_its_own(start):
    shared, own = start(SURROUNDINGS), start(SURROUNDINGS, offer=False)
    (output, errors), (expected, _) = shared.communicate("given"), own.communicate("given")
    assert json.loads(output) == json.loads(expected)
    assert errors == "said\n" and shared.returncode == own.returncode == 3


def test_tensorflow_is_there_and_nothing_of_ours(start):
    body = "print('tensorflow' in sys.modules, os.getppid())"
    first, second = said(start(body)), said(start(body))
    assert first == second and first.startswith("True")


def test_an_edited_module_is_seen(start, tmp_path):
    for value in ("one", "two"):
        (tmp_path / "helper.py").write_text(f"value = {value!r}")
        assert said(start("import helper; print(helper.value)")) == f"{value}\n"


def test_another_environment_has_a_process_of_its_own(start):
    body = "print(os.getppid())"
    assert said(start(body)) != said(start(body, TF_SOMETHING="1"))


def test_what_only_draws_joins_a_warm_process_and_starts_none(start):
    body = "print(os.getppid(), 'tensorflow' in sys.modules)"
    with_tensorflow = said(start(body))
    assert said(start(body, library="matplotlib")) == with_tensorflow
    alone = said(start(body, library="matplotlib", TF_SOMETHING="2"))
    assert alone == f"{os.getpid()} False\n" != with_tensorflow


def test_an_error_and_a_death_are_those_of_the_script(start):
    process = start("raise ValueError('wrong')")
    assert "ValueError: wrong" in process.communicate()[1] and process.returncode == 1
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
        process = start(f"os.kill(os.getpid(), {number})")
        process.communicate()
        assert process.returncode == -number


WAITS = """
import time
with open(sys.path[0] + "/processes", "w") as stream:
    print(os.getpid(), os.getppid(), file=stream)
time.sleep(100)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_the_script_that_was_killed(start, tmp_path, how):
    script = start(WAITS)
    child, server = when_written(tmp_path / "processes")
    script.send_signal(how)
    script.communicate()
    assert gone(child) and not gone(server, 0.1)


def test_the_warm_process_is_killed(start, tmp_path):
    script = start(WAITS)
    child, server = when_written(tmp_path / "processes")
    os.kill(server, signal.SIGKILL)
    assert "ended from outside" in script.communicate(timeout=10)[1]
    assert script.returncode == 1 and gone(child)
    assert said(start("print(os.getppid())")) != f"{server}\n"


def test_all_ends_with_snakemake(start, tmp_path):
    other = subprocess.Popen(["sleep", "1000"])
    script = start(WAITS, of=other)
    child, server = when_written(tmp_path / "processes")
    other.kill()
    other.wait()
    script.communicate(timeout=10)
    assert script.returncode == 1 and gone(child) and gone(server)


def test_what_cannot_be_started_is_said_and_the_script_goes_on(start, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "h5py.py").write_text("raise ImportError('no such thing')")
    output, _ = start("print('done')", PYTHONPATH=str(broken)).communicate(timeout=60)
    assert "note:" in output and "no such thing" in output and output.endswith("done\n")


def test_a_snakemake_that_is_not_seen_from_here_is_told(start):
    process = start("print('done')", offer=False, **{warm_start.OFFER: "1 0"})
    output, _ = process.communicate(timeout=100)
    assert "note: TensorFlow is imported by this step itself: its Snakemake is not seen" in output
    assert output.endswith("done\n")


def test_a_step_whose_snakemake_ends_while_it_waits_does_not_begin(monkeypatch):
    """What it asked for is not read any more, which the system reports as a broken connection."""
    stand_in = subprocess.Popen(["sleep", "1000"])
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    send = socket.send_fds

    def send_in_vain(*arguments):
        send(*arguments)
        stand_in.kill()
        stand_in.wait()
        there.close()

    started = warm_start._started(stand_in.pid)
    monkeypatch.setenv(warm_start.OFFER, f"{stand_in.pid} {started}")
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(warm_start, "_connected", lambda: here)
    monkeypatch.setattr(socket, "send_fds", send_in_vain)
    notes = []
    with pytest.raises(UserError, match="Snakemake was ended before this step began"):
        warm_start.hand_over(notes.append)
    assert not notes


IMPORTED = """
import os, runpy, sys
program = runpy.run_path(sys.argv[1])
assert program["import_libraries"]() is None
print(os.path.exists(os.environ["CUDA_LOG"]))
import tensorflow
tensorflow.config.list_physical_devices()
print(open(os.environ["CUDA_LOG"]).read())
"""


def test_a_gpu_is_not_touched_before_the_fork(tmp_path):
    """A child of a process that has begun with CUDA could not use it."""
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler, which makes a driver that tells when it is begun with")
    source = Path(__file__).parents[1] / "support/cuda_driver.c"
    library = tmp_path / "libcuda.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    there = {"LD_LIBRARY_PATH": str(tmp_path), "CUDA_LOG": str(tmp_path / "log")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, warm_start.warm_process.__file__],
        env=os.environ | there, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "cuInit"]
