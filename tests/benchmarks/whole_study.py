"""The demo, all that `make run` makes, against its 13 variants as one script in plain Keras.

    python tests/benchmarks/whole_study.py --rounds 3

Each round runs both, the workflow in a new folder with an empty cache on two cores, the script
(one_script.py) with as many threads as it takes itself. Prints the seconds of both and their ratio.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import plans
import projects

from convstudy.training import device

SCRIPT = Path(__file__).with_name("one_script.py")


def seconds(run, *arguments, **options) -> float:
    """The time of a run that succeeds; what it said is shown where it does not."""
    began = time.perf_counter()
    done = run(*arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - began


@click.command(help=__doc__)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
def main(rounds: int) -> None:
    print(device.processor())
    times = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "project")
            folder.mkdir()
            projects.put_sources(folder)
            workflow = seconds(
                plans.snakemake, folder, "-c2", "results/summary.csv", "results/report.html"
            )
            command = [sys.executable, SCRIPT, folder / "results/data"]
            script = seconds(subprocess.run, command, capture_output=True, text=True)
        times.append((workflow, script, script / workflow))
        print(f"round {number + 1}: workflow {workflow:.0f} s, script {script:.0f} s", flush=True)
    workflow, script, ratio = (statistics.median(x) for x in zip(*times, strict=True))
    print(f"median: workflow {workflow:.0f} s, script {script:.0f} s: {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()
