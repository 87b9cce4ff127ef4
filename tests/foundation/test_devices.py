"""Which GPUs a step may use, and that none is given to more steps than may share it."""

import logging
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import gpus
import pytest

from convstudy.foundation import devices
from convstudy.foundation.errors import UserError

SCRIPTS = Path(__file__).parents[2] / "scripts"
HOLDER = """
import sys
from convstudy.foundation import devices
devices.take("a GPU", {"gpu": {"jobs": int(sys.argv[1])}})
print(devices.os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """One without nvidia-smi, driver and scheduler; what this process takes is freed."""
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, "")  # so that what a test leaves there is undone
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "version")
    monkeypatch.setattr(devices, "LIST", (f"{tmp_path}/bin/nvidia-smi", *devices.LIST[1:]))
    monkeypatch.setattr(devices, "_has_libraries", lambda: True)
    devices._listed.cache_clear()
    yield tmp_path
    devices._listed.cache_clear()
    while devices._held:
        devices._held.pop().close()


@pytest.fixture
def two(machine, monkeypatch):
    """Two GPUs, of UUIDs that no other test has."""
    names = [f"GPU-{uuid.uuid4()}" for _ in range(2)]
    rows = "\n".join(f"{n}, {name}, {gpus.MODEL}" for n, name in enumerate(names))
    gpus.program(machine, f"cat <<'END'\n{rows}\nEND\n")
    return names


def numbers():
    return [gpu.number for gpu in devices.given()]


def refused(*arguments):
    with pytest.raises(UserError) as error:
        devices.usable(*arguments, print)
    return str(error.value)


def test_without_nvidia_smi_there_are_none():
    assert devices.given() == devices.usable("auto", print) == []
    assert "no GPU that this process may use: nvidia-smi lists none" in refused("gpu")


def test_those_that_nvidia_smi_lists(two):
    assert devices.given() == [devices.Gpu(str(n), name, gpus.MODEL) for n, name in enumerate(two)]
    assert devices.usable("cpu", print) == []
    assert devices.usable("auto", print) == devices.usable("gpu", print) == devices.given()


@pytest.mark.parametrize(
    ("value", "found"),
    [("", []), ("-1", []), ("1", ["1"]), ("1,0", ["1", "0"]), ("0, -1, 1", ["0"])],
)
def test_the_environment_says_which(two, monkeypatch, value, found):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert numbers() == found
    if not found:
        assert f"CUDA_VISIBLE_DEVICES of the environment is '{value}'" in refused("gpu")


def test_the_environment_may_name_a_uuid_or_a_part_of_a_gpu(two, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", f"{two[1][:16]},MIG-5")
    assert [x.uuid for x in devices.given()] == [two[1], "MIG-5"]
    assert devices.given()[1].model == f"{gpus.MODEL} (MIG)"


def test_a_number_that_is_not_there_is_refused_or_told(two, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert "names '7', and nvidia-smi lists 0, 1" in refused("gpu")
    told = []
    assert devices.usable("auto", told.append) == []
    assert "names '7'" in told[0]


def test_a_job_of_slurm_has_what_slurm_gave_it(two, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    assert numbers() == []
    assert "Slurm gave this job none" in refused("gpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert numbers() == ["1"]


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo NVIDIA-SMI has failed; exit 9", "NVIDIA-SMI has failed"),
        ("echo 'No devices were found'", "fails"),
    ],
)
def test_an_nvidia_smi_that_fails_is_an_error_for_gpu_and_told_for_auto(machine, does, said):
    gpus.program(machine, does)
    assert said in refused("gpu")
    told = []
    assert devices.usable("auto", told.append) == []
    assert said in told[0] and "`device: cpu` says so in silence" in told[0]


def test_a_driver_without_nvidia_smi_is_told(machine):
    (machine / "version").touch()
    assert "put it on the PATH" in refused("gpu")


def test_auto_passes_over_a_gpu_without_its_libraries(two, monkeypatch):
    monkeypatch.setattr(devices, "_has_libraries", lambda: False)
    told = []
    assert devices.usable("auto", told.append) == []
    assert "pip install -r requirements-gpu.txt" in told[0]
    assert len(devices.usable("gpu", print)) == 2


def test_gpus_of_another_model_are_left_alone(machine):
    gpus.put(machine, ("A", "B", "A"))
    assert [gpu.number for gpu in devices.usable("gpu", print)] == ["0", "2"]


def test_what_a_record_says(two):
    config = {"device": "auto", "gpu": {"jobs": 1, "deterministic": True}}
    assert devices.of_step({}, config) == devices.of_step({"gpu": 0}, config) == "cpu"
    assert devices.of_step({"gpu": 1}, config) == gpus.MODEL
    assert devices.of_step({"gpu": 1}, config | {"device": "cpu"}) == "cpu"
    loose = config | {"gpu": {"jobs": 1, "deterministic": False}}
    assert devices.of_step({"gpu": 1}, loose) == f"{gpus.MODEL}, not deterministic"


@pytest.mark.parametrize("device", [None, "cpu"])
def test_on_the_processor_no_gpu_is_seen(two, device):
    devices.take(device, {})
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


def holder(jobs=1):
    """A process that has taken a place, and the GPU that it sees."""
    code = f"from convstudy.foundation import devices; devices.LIST = {devices.LIST}"
    command = [sys.executable, "-c", f"{code}\n{HOLDER}", str(jobs)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=SCRIPTS
    )
    return process, process.stdout.readline().strip()


def test_each_process_has_a_gpu_of_its_own_until_all_are_shared(two):
    processes, seen = zip(*(holder(jobs=2) for _ in range(4)), strict=True)
    assert sorted(seen[:2]) == sorted(seen[2:]) == sorted(two)
    for process in processes:
        process.communicate()


def test_a_place_is_waited_for_and_a_killed_holder_frees_it(two, monkeypatch, caplog):
    processes, seen = zip(holder(), holder(), strict=True)
    assert set(seen) == set(two)
    waiting = SimpleNamespace(sleep=lambda seconds: kill(processes[1]))
    monkeypatch.setattr(devices, "time", waiting)
    with caplog.at_level(logging.WARNING):
        devices.take("a GPU", {"gpu": {"jobs": 1}})
    assert "all 2 places on GPUs are taken: waiting for one" in caplog.text
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen[1]
    processes[0].communicate()


def kill(process):
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
