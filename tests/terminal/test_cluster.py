"""What a run on a cluster shows: how its jobs ended, and no more of Slurm than that."""

from snakemake_interface_logger_plugins.common import LogEvent
from terminal_session import STAMP, Session

AGAIN = "; it is tried again (attempt 2 of 4)"


def begin(tmp_path, *jobids: int) -> Session:
    run = Session()
    run.plan(train_model=2)
    for jobid in jobids:
        run.begin(jobid, tmp_path / f"{jobid}.log")
    return run


def test_how_slurm_ended_a_job_stands_beside_the_step(tmp_path):
    run = begin(tmp_path, 0)
    run.send(LogEvent.ERROR, f"Slurm job 7 ran out of memory{AGAIN}")
    run.send(LogEvent.JOB_ERROR, jobid=0, log=["a.log", "slurm/7.log"])
    run.begin(0, tmp_path / "0.log")
    run.send(LogEvent.JOB_FINISHED, job_id=0)
    lines = run.end()
    assert (
        f"FAILED Training 0 (Slurm job 7 ran out of memory{AGAIN}); its log: a.log, slurm/7.log"
        in lines
    )
    assert not [line for line in lines if line.startswith("error")]


def test_the_end_of_a_group_is_that_of_each_of_its_steps(tmp_path):
    run = begin(tmp_path, 0, 1)
    run.send(LogEvent.ERROR, "Slurm job 7 ran longer than its time limit (TIMEOUT)")
    (tmp_path / "1.log").write_text(f"{STAMP}error: my own words\n")
    for jobid in (0, 1):
        run.send(LogEvent.JOB_ERROR, jobid=jobid, log=[f"{jobid}.log"])
    lines = run.end()
    assert sum("(Slurm job 7 ran longer" in line for line in lines) == 2
    assert [line for line in lines if line.startswith("error")] == [
        "error: Training 0 did not end well: Slurm job 7 ran longer than its time limit (TIMEOUT). "
        "Its log: 0.log",
        "error: my own words",
    ]


def test_the_failure_of_a_step_that_is_done_here_is_not_slurms(tmp_path):
    run = begin(tmp_path, 0, 1)
    run.send(LogEvent.ERROR, "Slurm job was not taken: invalid account")
    run.send(LogEvent.JOB_ERROR, jobid=0, log=["0.log"])
    run.fail(1, tmp_path / "1.log", "returned non-zero exit status 3.")
    (line,) = (line for line in run.end() if line.startswith("FAILED Training 1"))
    assert "Slurm" not in line


def test_the_numbers_that_slurm_gives_are_not_shown(tmp_path):
    run = begin(tmp_path)
    run.send(None, "Job 3 has been submitted with SLURM jobid 17 (log: x.log).")
    run.send(None, "SLURM run ID: 123")
    run.send(None, "Slurm answers again; the run goes on.")
    shown = run.end()
    assert "Slurm answers again; the run goes on." in shown
    assert not [line for line in shown if "SLURM" in line]


def test_a_warning_of_many_steps_is_shown_once(tmp_path):
    run = begin(tmp_path, 0, 1)
    for jobid in (0, 1):
        (tmp_path / f"{jobid}.log").write_text(f"{STAMP}warning: no locks\n")
        run.send(LogEvent.JOB_FINISHED, job_id=jobid)
    assert sum("no locks" in line for line in run.end()) == 1
