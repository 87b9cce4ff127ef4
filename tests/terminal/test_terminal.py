"""What a run shows, from single records of Snakemake's and log lines."""

import io
import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from projects import ROOT
from rich.console import Console
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from terminal_session import EPOCH, STAMP, Session

from convstudy import terminal
from convstudy.terminal import ending, job_logs, progress, screen
from convstudy.terminal.handler import PlainErrors, RunHandler, plain

RUN = "base_net on objects, seed 0"
SUMMARY = (
    "variant,dataset,test_loss_mean,test_accuracy_mean,test_accuracy_std,test_accuracy_ci_low,"
    "test_accuracy_ci_high,epochs_mean,train_seconds_mean,selected\n"
    "base_net,objects,1.2345,0.5,0.01,0.4,0.6,12.5,33.0,True\n"
    "rates__a,objects,2.0,0.25,,0.2,0.3,4.0,1.0,True\n"
    "rates__b,objects,2.0,0.125,,0.1,0.2,4.0,1.0,False\n"
)


def test_a_line_a_finished_step_and_what_the_cache_had_is_marked(tmp_path):
    run = Session()
    run.plan(train_model=2)
    for jobid, said in ((0, EPOCH.format(1, 2) + EPOCH.format(2, 2)), (1, job_logs.RESTORED)):
        run.begin(jobid, tmp_path / f"{jobid}.log")
        (tmp_path / f"{jobid}.log").write_text(said if jobid == 0 else STAMP + said + " (abc)\n")
        run.send(LogEvent.JOB_FINISHED, job_id=jobid)
    run.send(None, "Elapsed time: 0:00:01")
    assert run.end() == [
        "Study 'tiny': 2 steps to do on 2 cores",
        f"{RUN}: epoch 2/2, validation accuracy 0.4100",
        "1/2 Training 0 (0 s, 2 of 2 epochs)",
        "2/2 Training 1 (from the cache)",
        "Done: 2 steps (1 from the cache) in 0 s.",
    ]


def test_epochs_of_a_long_training_do_not_flood_a_log(tmp_path):
    log, stream = tmp_path / "log", io.StringIO()
    job = progress.Job("train_model", "Training", job_logs.JobLog(log), 1000.0, RUN)
    state, shown = progress.Progress(running={0: job}), screen.Lines(stream)
    for epoch in range(1, 101):
        with open(log, "a") as file:
            file.write(EPOCH.format(epoch, 100))
        state.follow()
        shown.update(state, 1000.0 + 6 * epoch)
        shown.update(state, 1000.0 + 6 * epoch + 1)
    lines = stream.getvalue().splitlines()
    assert lines[0] == f"{RUN}: epoch 1/100, validation accuracy 0.4100"
    assert lines[1] == f"{RUN}: epoch 11/100, validation accuracy 0.4100"
    assert len(lines) == 10


def test_the_view_has_jobs_epochs_and_time_left(tmp_path):
    view, state = screen.View(io.StringIO(), colour=False), progress.Progress()
    view.console = Console(file=view.console.file, width=80, height=6, force_terminal=True)
    state.plan({"prepare_data": 2, "train_model": 4})
    state.begin(0, progress.Job("prepare_data", "Reading", None, 100.0))
    state.finish(0, 110.0)
    for jobid in range(1, 5):
        log = job_logs.JobLog(tmp_path / str(jobid))
        run = f"base_net_with_whitening on objects, seed {jobid}"
        state.begin(jobid, progress.Job("train_model", "", log, 110.0 + jobid, run))
        log.path.write_text(EPOCH.format(jobid, 8))
    state.follow()
    view.console.print(view._drawn(state, 130.0))
    lines = view.console.file.getvalue().splitlines()
    shown = [line for line in lines if "base_net_with_whitening on objects, seed" in line]
    assert len(shown) == 2 and re.search(r"seed 1 .* epoch 1/8.* 19 s", shown[0])
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines) <= 80
    assert "and 2 more" in lines[-2]
    assert re.search(r"1 of 6 steps  30 s  about 1 min 31 s left", lines[-1])


def test_the_log_of_an_earlier_run_is_not_taken_for_this_ones(tmp_path):
    log = tmp_path / "log"
    log.write_text(EPOCH.format(9, 9) + STAMP + "error: of yesterday\n")
    ours = job_logs.JobLog(log)
    ours.follow()
    assert (ours.epoch, ours.state, ours.text(), job_logs.error(ours)) == (None, "", "", None)
    log.write_text(EPOCH.format(1, 9)[:-5])
    ours.follow()
    assert ours.epoch is None  # the line is not whole yet
    log.write_text(EPOCH.format(1, 9) + STAMP + "warning: odd\n")
    ours.follow()
    ours.follow()
    assert ours.epoch == (1, 9) and ours.warnings == ["odd"]


TRACEBACK = """unexpected error
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'first'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 2, in g
ValueError: bad shape
"""


@pytest.mark.parametrize(
    ("said", "ended", "sentence"),
    [
        (
            "error: a.csv: is empty.\n",
            "returned non-zero exit status 1.",
            "error: a.csv: is empty.",
        ),
        (
            "error: a: no address works.\n  x: HTTP 404\nE0000 00:00:1.2 3 cuda.cc:1] no GPU\n",
            "returned non-zero exit status 1.",
            "error: a: no address works.\n  x: HTTP 404",
        ),
        (
            TRACEBACK,
            "returned non-zero exit status 1.",
            "error: ValueError: bad shape (not expected; its traceback is in LOG)",
        ),
        ("1 image\n", "died with <Signals.SIGKILL: 9>.", "error: Training 0 was killed (SIGKILL)"),
        ("1 image\n", "returned non-zero exit status 137.", "error: Training 0 was killed"),
        (
            "1 image\n",
            "died with <Signals.SIGSEGV: 11>.",
            "ended by a signal (SIGSEGV). Its log",
        ),
        ("1 image\n", "returned non-zero exit status 3.", "ended with exit status 3. Its log: LOG"),
    ],
)
def test_the_sentence_of_a_failed_step_comes_last_and_once(tmp_path, said, ended, sentence):
    log, run = tmp_path / "log", Session()
    run.plan(train_model=3)
    run.begin(0, log)
    log.write_text(STAMP + said)
    run.fail(0, log, ended)
    run.send(None, "Exiting because a job execution failed. Look below for error messages")
    run.send(LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete successfully.")
    lines = run.end()
    assert lines[1] == f"FAILED Training 0; its log: {log}"
    assert lines[2].startswith("Stopped after 0 of 3 steps")
    last = "\n".join(lines[3:])
    assert sentence.replace("LOG", str(log)) in last and last.startswith("error: ")
    assert len(lines) == 3 + len(sentence.split("\n")) and "CalledProcess" not in "".join(lines)


def test_a_step_that_succeeds_at_the_second_attempt_is_no_failure(tmp_path):
    log, run = tmp_path / "log", Session()
    run.plan(train_model=1)
    run.begin(0, log)
    run.fail(0, log, "died with <Signals.SIGKILL: 9>.")
    run.begin(0, log)
    run.send(LogEvent.JOB_FINISHED, job_id=0)
    assert run.end()[-1].startswith("Done: 1 step in")


def test_an_interrupted_run_blames_no_step(tmp_path):
    run = Session()
    run.plan(train_model=1)
    run.begin(0, tmp_path / "log")
    run.send(None, "Terminating processes on user request, this might take some time.")
    run.fail(0, tmp_path / "log", "died with <Signals.SIGINT: 2>.")
    run.send(LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete successfully.")
    assert run.end()[-1].startswith("Stopped as asked after 0 of 1 step (")


def test_what_no_job_did_is_told_too():
    run = Session()
    run.send(None, "Assuming unrestricted shared filesystem usage.")
    run.send(None, "Creating conda environment a.yaml...")
    run.send(LogEvent.ERROR, "LockException:\nError: Directory cannot be locked.")
    assert run.end() == [
        "Creating conda environment a.yaml...",
        "LockException:",
        "Error: Directory cannot be locked.",
    ]


def test_errors_of_the_config_lose_the_code_around_them():
    said = 'WorkflowError in file "/a/b.smk", line 3:\nno such key\n  File "/a/b.smk", line 3, in f'
    assert plain(said) == "error: no such key"
    record = logging.LogRecord("snakemake", logging.ERROR, "", 0, said, (), None)
    formatter = PlainErrors(logging.Formatter("inner %(name)s"))
    assert formatter.format(record) == "inner snakemake"
    record.event = LogEvent.ERROR
    assert formatter.format(record) == "error: no such key"
    unknown = 'Traceback (most recent call last):\n  File "a", line 1, in f\nOSError: b'
    assert plain(unknown) == unknown


def test_errors_of_a_rules_functions_lose_what_is_around_them():
    said = (
        'InputFunctionException in rule a in file "/a/b.smk", line 3:\nError:\n'
        "  UserError: a.py: line 1 is not Python.\nWildcards:\n  seed=0\nTraceback:\n"
        '  File "/a/b.smk", line 3, in f'
    )
    assert plain(said) == "error: a.py: line 1 is not Python."


def test_time_left_is_told_as_soon_as_there_is_a_measure(tmp_path):
    state = progress.Progress()
    state.plan({"prepare_data": 1, "train_model": 4, "evaluate_model": 4})
    state.begin(0, progress.Job("prepare_data", "", None, 100.0))
    assert state.seconds_left(105.0) is None
    state.finish(0, 110.0)
    assert state.seconds_left(110.0) is None  # no training is known yet
    log = job_logs.JobLog(tmp_path / "log")
    state.begin(1, progress.Job("train_model", "", log, 110.0))
    (tmp_path / "log").write_text(EPOCH.format(1, 4))
    state.follow()
    # one training has 15 of its 20 s to go, 3 are to come, and 4 steps as the one of 10 s
    assert state.seconds_left(115.0) == pytest.approx(15 + 3 * 20 + 4 * 10)
    state.finish(1, 130.0)
    for jobid in (2, 3):  # side by side they take half the time
        state.begin(jobid, progress.Job("train_model", "", None, 130.0))
    assert state.seconds_left(140.0) == pytest.approx((2 * 10 + 1 * 20 + 4 * 10) * 40 / 50)


@pytest.mark.parametrize(
    ("seconds", "said"), [(59.6, "1 min 00 s"), (4, "4 s"), (7500, "2 h 05 min")]
)
def test_durations(seconds, said):
    assert progress.duration(seconds) == said


@pytest.mark.parametrize("width", [120, 60])
def test_the_table_shows_what_was_chosen_and_fits(tmp_path, monkeypatch, width):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path(ending.SUMMARY).write_text(SUMMARY)
    run = Session(made=(ending.SUMMARY,))
    run.handler.screen.console = Console(file=run.stream, width=width, color_system=None)
    run.send(LogEvent.WORKFLOW_STARTED)
    run.send(None, "Nothing to be done (all requested files are present and up to date).")
    lines = run.end()
    assert lines[0] == "Nothing to be done: all is up to date."
    assert "rates__b" not in run.stream.getvalue()
    table = [line for line in lines if line.startswith(("variant", "base_net", "rates"))]
    assert max(map(len, table)) <= width
    if width == 120:
        assert (
            table[1].split() == "base_net objects 50.0 ± 1.0 [40.0, 60.0] 1.234 12.5 33.0".split()
        )
        assert table[2].split() == "rates__a objects 25.0 [20.0, 30.0] 2.000 4 1.0".split()
    assert any("results/summary.md" in line for line in lines)
    assert "results/report.html" in lines[-1]


@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        ({}, True),
        ({"quiet": {Quietness.HOST}}, True),
        ({"quiet": {Quietness.ALL}}, False),
        ({"quiet": {Quietness.RULES}}, False),
        ({"verbose": True}, False),
        ({"debug_dag": True}, False),
        ({"dryrun": True}, False),
        ({"main": False}, False),
        ({"name": "of a plug-in"}, False),
    ],
)
def test_who_asks_for_other_output_gets_it(monkeypatch, asked, ours):
    default = logging.StreamHandler(io.StringIO())
    default.name = asked.get("name", "DefaultStreamHandler")
    logger = logging.Logger("snakemake")
    logger.addHandler(default)
    monkeypatch.setattr(terminal, "logger", logger)
    values = {"quiet": None, "verbose": False, "debug_dag": False, "dryrun": False} | asked
    settings = SimpleNamespace(nocolor=False, **values)
    workflow = SimpleNamespace(output_settings=settings, is_main_process=asked.get("main", True))
    terminal.take_over(workflow, {})
    (handler,) = logger.handlers
    assert isinstance(handler, RunHandler) is ours and (handler is default) is not ours


def test_a_job_writes_to_its_log_alone(tmp_path):
    """What libraries write in C, too, and when the interpreter ends."""
    code = f"""
import atexit, os, sys, types, warnings
sys.path.insert(0, {str(ROOT / "scripts")!r})
from convstudy.provenance import steps
def work(job):
    atexit.register(os.write, 1, b"at the end\\n")
    print("printed"); os.write(2, b"native\\n"); warnings.warn("old")
    raise steps.UserError("wrong")
steps.run_uncached(types.SimpleNamespace(log=["log.txt"]), work)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    log = (tmp_path / "log.txt").read_text()
    for words in ("printed", "native", "old", "error: wrong", "at the end"):
        assert words in log
