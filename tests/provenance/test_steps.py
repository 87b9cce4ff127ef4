"""A step keeps its result, restores it, and never takes another's."""

import json
import multiprocessing
import os
import signal
import time
from importlib import metadata
from pathlib import Path

import pytest
from jobs import copy, job_of

from convstudy.foundation import atomic_files, devices, digests, plugin_files, warm_start
from convstudy.foundation.errors import UserError
from convstudy.provenance import cache, code_digests, records, steps, verification

pytestmark = pytest.mark.usefixtures("folder_of_jobs")


def times_done() -> int:
    return len(Path("done").read_text()) if Path("done").exists() else 0


def test_the_same_step_is_done_once():
    steps.run(job_of(), copy)
    Path("results/out.txt").unlink()
    steps.run(job_of(), copy)
    assert times_done() == 1
    assert Path("results/out.txt").read_text() == "one"
    assert "restored from the cache" in Path("log.txt").read_text()


def other_input(monkeypatch):
    Path("in.txt").write_text("two")


def other_settings(monkeypatch):
    return {"spec": '{"a": 1}'}


def other_versions(monkeypatch):
    monkeypatch.setattr(records, "versions", lambda libraries: {"numpy": "0.1"})


def other_code(monkeypatch):
    code = code_digests.Code(("plot_samples.py",), {"plot_samples.py:f": "0"}, "1" * 64)
    monkeypatch.setattr(code_digests, "of", lambda *names: code)


def other_threads(monkeypatch):
    return {"threads": 2}


def other_device(monkeypatch):
    monkeypatch.setattr(devices, "of_step", lambda resources, config: "NVIDIA Test 9000")
    monkeypatch.setattr(devices, "take", lambda device, config: None)


def test_the_record_has_the_device_of_a_step_that_computes(monkeypatch):
    steps.run(job_of(), copy)
    assert records.read(records.path_of("results/out.txt"))["device"] == "cpu"
    other_device(monkeypatch)
    steps.run(job_of("results/other.txt"), copy)
    assert records.read(records.path_of("results/other.txt"))["device"] == "NVIDIA Test 9000"
    steps.run(job_of("results/third.txt", threads=None), copy)
    assert "device" not in records.read(records.path_of("results/third.txt"))


def test_only_a_step_that_is_done_takes_its_device(monkeypatch):
    taken = []
    monkeypatch.setattr(devices, "take", lambda device, config: taken.append(device))
    steps.run(job_of(), copy)
    Path("results/out.txt").unlink()
    steps.run(job_of(), copy)
    assert taken == ["cpu"]


def test_a_record_from_before_there_were_devices_is_read():
    steps.run(job_of(), copy)
    place = records.path_of("results/out.txt")
    older = {key: value for key, value in records.read(place).items() if key != "device"}
    atomic_files.write_json(place, older)
    assert records.read(place) == older
    atomic_files.write_json(place, older | {"device": 7})
    with pytest.raises(UserError, match="'device'"):
        records.read(place)


def test_a_restored_step_is_handed_to_no_other_process(monkeypatch):
    asked = []

    def hand_over(note):
        asked.append(1)
        note("it cannot be")

    monkeypatch.setattr(warm_start, "is_offered", lambda libraries: True)
    monkeypatch.setattr(warm_start, "hand_over", hand_over)
    steps.run(job_of(), copy)
    assert (len(asked), times_done()) == (1, 1)
    assert "it cannot be" in Path("log.txt").read_text()
    Path("results/out.txt").unlink()
    steps.run(job_of(), copy)
    assert (len(asked), times_done()) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [other_input, other_settings, other_versions, other_code, other_threads, other_device],
)
def test_a_step_with_anything_else_is_done_again(monkeypatch, change):
    steps.run(job_of(), copy)
    steps.run(job_of(**(change(monkeypatch) or {})), copy)
    assert times_done() == 2


def test_going_back_to_earlier_content_restores():
    steps.run(job_of(), copy)
    Path("in.txt").write_text("two")
    steps.run(job_of(), copy)
    Path("in.txt").write_text("one")
    steps.run(job_of(), copy)
    assert times_done() == 2
    assert Path("results/out.txt").read_text() == "one"


def test_an_input_that_changes_meanwhile_gives_no_result_to_anyone(capsys):
    def change(job, step):
        copy(job, step)
        Path("in.txt").write_text("two")

    with pytest.raises(SystemExit):
        steps.run(job_of(), change)
    assert "in.txt was changed or removed while copy was reading" in Path("log.txt").read_text()
    Path("in.txt").write_text("one")
    steps.run(job_of(), copy)
    assert times_done() == 2


def test_an_input_that_vanishes_meanwhile_is_one_sentence():
    def remove(job, step):
        copy(job, step)
        Path("in.txt").unlink()

    with pytest.raises(SystemExit):
        steps.run(job_of(), remove)
    log = Path("log.txt").read_text()
    assert "in.txt was changed or removed while copy was reading" in log and "Trace" not in log


def test_code_that_was_edited_since_the_plan_does_not_run():
    code = json.dumps({"of": ["plot_samples.py"], "digest": "of earlier code"})
    with pytest.raises(SystemExit):
        steps.run(job_of(code=code), copy)
    assert "was edited while the workflow was running" in Path("log.txt").read_text()
    assert times_done() == 0


def test_an_input_that_is_not_what_its_step_left_is_refused():
    steps.run(job_of("results/first.txt"), copy)
    Path("results/first.txt").write_text("of other weights")
    with pytest.raises(SystemExit):
        steps.run(job_of("results/second.txt", source="results/first.txt"), copy)
    assert "results/first.txt is not the file that copy left" in Path("log.txt").read_text()
    assert not Path("results/second.txt").exists()


def test_a_folder_of_its_own_outlives_a_failure_and_not_a_success():
    def fail(job, step):
        step.scratch.mkdir(parents=True)
        (step.scratch / "state").write_text("kept")
        raise RuntimeError("killed")

    def finish(job, step):
        assert (step.scratch / "state").read_text() == "kept"
        copy(job, step)

    with pytest.raises(SystemExit):
        steps.run(job_of(), fail)
    steps.run(job_of(), finish)
    assert not (steps.SCRATCH / "results/out.txt").exists()


def interrupted(job, step):
    step.scratch.mkdir(parents=True, exist_ok=True)
    (step.scratch / job.params.spec).unlink(missing_ok=True)
    (step.scratch / job.params.spec).touch()
    raise RuntimeError("killed")


def test_a_setting_tried_for_a_moment_leaves_the_unfinished_work_of_another():
    def left():
        folder = steps.SCRATCH / "results/out.txt"
        return {path.name for path in folder.rglob("*") if path.is_file()}

    for setting in ("first", "second", "third", "first", "fourth"):
        with pytest.raises(SystemExit):
            steps.run(job_of(spec=setting), interrupted)
    assert left() == {"third", "first", "fourth"}
    steps.run(job_of(spec="fifth"), copy)
    assert left() == {"first", "fourth"}
    steps.run(job_of(spec="fourth"), copy)
    assert left() == {"first"}


def test_a_script_that_was_edited_after_it_was_copied_does_not_run():
    source = (plugin_files.SCRIPTS / "plot_samples.py").read_bytes()
    script = {"__file__": "scripts/plot_samples.py", "__real_file__": "copy.py", "copy": copy}
    exec("def work(job, step):\n    copy(job, step)", script)
    Path("copy.py").write_bytes(b"preamble\n" + source)
    steps.run(job_of(), script["work"])
    assert times_done() == 1
    Path("copy.py").write_bytes(b"preamble\n" + source.replace(b"job", b"work", 1))
    with pytest.raises(SystemExit):
        steps.run(job_of(spec="another"), script["work"])
    assert "scripts/plot_samples.py was edited while this step" in Path("log.txt").read_text()
    assert times_done() == 1


def slowly(name: str) -> None:
    def work(job, step):
        Path(f"started {name}").touch()
        time.sleep(0.5)
        copy(job, step)

    steps.run(job_of(), work)


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


def test_two_processes_do_not_make_the_same_file_at_once():
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=slowly, args=(name,)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert times_done() == 1  # the second one found it in the cache


def test_a_killed_process_leaves_no_lock_and_no_file():
    process = multiprocessing.get_context("fork").Process(target=slowly, args=("a",))
    process.start()
    wait_for("started a")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not Path("results/out.txt").exists()
    steps.run(job_of(), copy)
    assert Path("results/out.txt").read_text() == "one"


def test_what_hinders_the_cache_does_not_lose_a_result(monkeypatch):
    def keep(*_):
        raise FileNotFoundError("another process has renamed it")

    monkeypatch.setattr(cache.Cache, "keep", keep)
    steps.run(job_of(), copy)
    assert Path("results/out.txt").read_text() == "one"
    assert records.path_of("results/out.txt").is_file()
    assert "is not kept in it (another process has renamed it)" in Path("log.txt").read_text()


def test_versions_are_those_of_what_installed_the_modules():
    found = records.versions(code_digests.of("prepare_data.py").libraries)
    assert found["pillow"] == metadata.version("pillow")
    assert found["numpy"] == metadata.version("numpy")
    assert "PIL" not in found


def test_a_record_says_what_it_was_made_of():
    steps.run(job_of(), copy)
    record = atomic_files.read_json(records.path_of("results/out.txt"))
    assert record["inputs"] == [{"path": "in.txt", "sha256": digests.of_text("one")}]
    assert record["outputs"] == {"results/out.txt": digests.of_text("one")}
    assert "plot_samples.py:on import" in record["code"]
    assert list(verification.problems(Path("results"))) == []
