"""What a run has done, what it does and what is left, in steps and in time."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from convstudy.terminal import job_logs
from convstudy.terminal.job_logs import RESTORED, JobLog

TRAININGS = ("train_model", "train_stage")


@dataclass(eq=False)
class Job:
    """A job that was begun (on a cluster: handed over)."""

    rule: str
    title: str
    log: JobLog | None
    begun: float
    run: str = ""  # of a training: which variant, data set and seed

    @classmethod
    def of(cls, record: Any) -> "Job":
        """The job that a log record of Snakemake's announces."""
        words = dict(record.wildcards)
        about = ", ".join(f"{name} {value}" for name, value in words.items())
        title = record.rule_msg or " ".join(filter(None, [record.rule_name, about]))
        run = ""
        if record.rule_name in TRAININGS:
            run = "{variant} on {dataset}, seed {seed}".format(**words)
            run += f", stage {words['stage']}" if "stage" in words else ""
        log = JobLog(job_logs.paths(record)[0]) if record.log else None
        return cls(record.rule_name, title, log, record.created, run)

    @property
    def epoch(self) -> tuple[int, int] | None:
        """Epochs done and planned of a training that has done any."""
        return self.log.epoch if self.log else None


@dataclass
class Progress:
    """Counts and durations of a run's steps.

    Attributes:
        left: how many steps of each rule are not done, the running ones among them.
        running: by Snakemake's job id.
    """

    left: Counter[str] = field(default_factory=Counter)
    running: dict[int, Job] = field(default_factory=dict)
    total: int = 0
    done: int = 0
    restored: int = 0
    first: float | None = None
    _seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _worked: float = 0.0

    def plan(self, steps: dict[str, int]) -> None:
        """Take the number of steps of each rule."""
        self.left = Counter(steps)
        self.total = self.left.total()

    def begin(self, jobid: int, job: Job) -> None:
        """Count a job among the running ones; one more than planned was found out to be needed."""
        if sum(other.rule == job.rule for other in self.running.values()) >= self.left[job.rule]:
            self.left[job.rule] += 1
            self.total += 1
        self.running[jobid] = job
        self.first = self.first or job.begun

    def finish(self, jobid: int, now: float) -> tuple[Job, float, bool]:
        """Take a finished job out: the job, its seconds, and whether the cache had its result."""
        job = self.running.pop(jobid)
        seconds = now - job.begun
        restored = bool(job.log) and RESTORED in job.log.text()
        self.left[job.rule] -= 1
        self.done += 1
        self.restored += restored
        self._worked += seconds
        if not restored:
            self._seconds[job.rule].append(seconds)
        return job, seconds, restored

    def fail(self, jobid: int, now: float) -> Job | None:
        """Take a failed job out of the running ones; it stays among the steps that are left."""
        job = self.running.pop(jobid, None)
        if job:
            self._worked += now - job.begun
        return job

    def follow(self) -> None:
        """Read on in the logs of all running jobs."""
        for job in self.running.values():
            if job.log:
                job.log.follow()

    def seconds_left(self, now: float) -> float | None:
        """An estimate of the time that the run will still take; None while there is no basis.

        A step is held to take what the finished steps of its rule took on average; a training, as
        long as none is finished, what its epochs so far make of all that are planned; a step of a
        rule of which none is finished, the mean of the others but the trainings. Restored steps are
        no measure. Steps run side by side as they did so far: the work that is left is divided by
        the seconds of work done per second since the first step began, whatever the number of cores
        or nodes. A training that stops early makes it an overestimate.
        """
        need = {rule: self._need(rule, now) for rule, n in self.left.items() if n > 0}
        if self.first is None or None in need.values():
            return None
        spent = [now - job.begun for job in self.running.values()]
        worked, elapsed = self._worked + sum(spent), now - self.first
        if worked <= 0 or elapsed <= 0:
            return None
        work = sum(need[rule] * self.left[rule] for rule in need)
        for job in self.running.values():
            expected = _by_epochs(job, now) or need[job.rule]
            work += max(expected - (now - job.begun), 0) - need[job.rule]
        return work * elapsed / worked

    def _need(self, rule: str, now: float) -> float | None:
        """Seconds that a step of a rule is held to take."""
        known = self._seconds[rule]
        if not known and rule in TRAININGS:
            known = [x for x in (_by_epochs(job, now) for job in self.running.values()) if x]
        elif not known:
            known = [x for rule, all in self._seconds.items() if rule not in TRAININGS for x in all]
        return sum(known) / len(known) if known else None


def _by_epochs(job: Job, now: float) -> float | None:
    """Seconds of a whole training, were all its epochs as those that it has done."""
    return (now - job.begun) * job.epoch[1] / job.epoch[0] if job.epoch else None


def duration(seconds: float) -> str:
    """A time for people: 24 s, 4 min 12 s, 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, over = divmod(minutes, 60)
    if hours:
        return f"{hours} h {over:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
