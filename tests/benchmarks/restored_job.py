"""What a step costs whose result comes from the cache: `python tests/benchmarks/restored_job.py`.

Runs the tests' tiny study once in a temporary folder, then deletes its results, keeps the cache and
runs it again on one core, three times. Prints the medians: seconds a step, wall time and processor
time, with what Snakemake does for a step and without its start.
"""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import projects


def cost(folder: Path, *options: str) -> tuple[float, float]:
    """Wall and processor seconds of a run of the tiny study."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run = projects.snakemake(folder, "-c1", "results/summary.csv", *options)
    assert run.returncode == 0, run.stdout + run.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, used


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        projects.build(folder)
        rounds = []
        for _ in range(3):
            projects.delete_results(folder)
            steps = len(projects.stale(folder))
            planned, restored = cost(folder, "-n"), cost(folder)
            rounds.append([(b - a) / steps for a, b in zip(planned, restored, strict=True)])
        wall, processor = (statistics.median(x) for x in zip(*rounds, strict=True))
    print(f"{steps} steps: {wall:.2f} s a step, {processor:.2f} s of processor time")


if __name__ == "__main__":
    main()
