"""Where a run is shown: lines for files and CI, and lines above a live view for terminals."""

import os
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from convstudy.terminal.progress import Job, Progress, duration

SECONDS = 10.0  # between two lines of one job without a live view
LINES_A_TRAINING = 10
PLAIN_WIDTH = 120
BAR = 12


class Lines:
    """Plain lines, with no control character among them."""

    def __init__(self, stream: TextIO):
        self.console = Console(
            file=stream,
            force_terminal=False,
            color_system=None,
            width=PLAIN_WIDTH,
            legacy_windows=False,
        )
        self._shown: dict[Job, tuple[float, int, str]] = {}  # when, which epoch, what

    def line(self, text: str, style: str = "") -> None:
        """Print a text as it is."""
        self.console.print(Text(text, style), soft_wrap=True)

    def update(self, progress: Progress, now: float) -> None:
        """Print a line about every running job that has something new, but not too many of them.

        They are some seconds apart, and in a long training a tenth of its epochs; but a training's
        first epoch is told at once.
        """
        for job in progress.running.values():
            if job.log is None or not job.log.state:
                continue
            epoch, planned = job.epoch or (0, 0)
            first = 0.0 if job.epoch else job.begun, -planned, ""
            then, at, state = self._shown.get(job, first)
            if job.log.state == state or now - then < SECONDS:
                continue
            if (epoch - at) * LINES_A_TRAINING >= planned:
                self._shown[job] = now, epoch, job.log.state
                self.line(f"{job.run or job.title}: {job.log.state}")

    def stop(self) -> None:
        """Print lines only, from now on."""


class View(Lines):
    """Lines above a view of what is running, which is drawn anew all the time."""

    def __init__(self, stream: TextIO, colour: bool):
        self.console = Console(file=stream, no_color=None if colour else True)
        self._live: Live | None = None

    def update(self, progress: Progress, now: float) -> None:
        """Draw the view anew."""
        if not progress.running:
            return
        if self._live is None:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._drawn(progress, now), refresh=True)

    def _drawn(self, progress: Progress, now: float) -> RenderableType:
        """The running jobs, as many as the terminal has lines for, and the whole."""
        jobs = sorted(progress.running.values(), key=lambda job: (not job.run, job.begun))
        room = max(self.console.height - 4, 1)
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(width=BAR)
        table.add_column()  # shortened first where the terminal is narrow
        table.add_column(no_wrap=True, justify="right")
        for job in jobs[:room]:
            epoch, planned = job.epoch or (0, 0)
            bar = ProgressBar(total=planned, completed=epoch, width=BAR) if job.epoch else ""
            state = Text(job.log.state if job.log else "", no_wrap=True, overflow="ellipsis")
            table.add_row(job.run or job.title, bar, state, duration(now - job.begun))
        if len(jobs) > room:
            table.add_row(f"and {len(jobs) - room} more", "", "", "")
        words = f"{progress.done} of {progress.total} steps"
        words += f"  {duration(now - progress.first)}" if progress.first else ""
        left = progress.seconds_left(now)
        words += f"  about {duration(left)} left" if left is not None else ""
        whole = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=progress.total, completed=progress.done, width=2 * BAR)
        whole.add_row(bar, Text(words, "bold"))
        return Group(Text(""), table, whole)

    def stop(self) -> None:
        """Take the view away; what was printed above it stays."""
        if self._live:
            self._live.stop()
            self._live = None


def screen(stream: TextIO, colour: bool = True) -> Lines:
    """The live view where the terminal can show one, else plain lines."""
    terminal = stream.isatty() and not Console(file=stream).is_dumb_terminal
    if terminal and not os.environ.get("CI"):
        return View(stream, colour)
    return Lines(stream)
