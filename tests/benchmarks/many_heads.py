"""A study of many heads on cached features, beside the same with the code of another revision.

    python tests/benchmarks/many_heads.py --heads 100
    python tests/benchmarks/many_heads.py --heads 100 --against 2e972bb

A sweep over learning rates, on features of the demo's birds: training, evaluation, pictures
and tables of every head, on two cores. Prints the seconds of both and their ratio; to be run on a
machine that does nothing else. What was there before the heads (data, features) is not counted.
In revision 2e972bb every job imported TensorFlow, and Python began each step of a training.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import click
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import plans
import projects
from whole_study import seconds

STUDY = {
    "study": "heads",
    "studies": {
        "heads": {
            "seeds": [0],
            "tasks": {
                "birds": {"dataset": "demo_birds", "backbone": "resnet50_random", "max_epochs": 30}
            },
            "variants": ["rates"],
        }
    },
}
ROOT = Path(__file__).parents[2]


def project(folder: Path, heads: int, revision: str | None) -> None:
    """A project whose features are made, and no head; with the code as it is, or of a revision."""
    folder.mkdir()
    if revision is None:
        projects.put_sources(folder)
    else:
        archive = subprocess.run(
            ["git", "archive", revision], cwd=ROOT, stdout=subprocess.PIPE, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    rates = [round(0.001 * 1.05**k, 6) for k in range(heads)]
    variant = {
        "task": "birds",
        "model": "head_one_layer",
        "sweep": {"training.learning_rate": rates},
    }
    (folder / "heads.yaml").write_text(yaml.safe_dump(STUDY | {"variants": {"rates": variant}}))
    run(folder, "results/features/demo_birds/resnet50_random.h5")


def run(folder: Path, *targets: str) -> float:
    """The seconds of a run of Snakemake that succeeds."""
    return seconds(plans.snakemake, folder, "-c2", *targets, "--configfile", "heads.yaml")


@click.command(help=__doc__)
@click.option("--heads", type=click.IntRange(2), default=100, show_default=True)
@click.option("--against", metavar="REVISION", help="A commit of this repository.")
def main(heads: int, against: str | None) -> None:
    times = []
    for revision in [None, *([against] if against else [])]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "project")
            project(folder, heads, revision)
            times.append(run(folder, "results/summary.csv"))
        name = revision or "as it is"
        print(f"{name}: {times[-1]:.0f} s, {times[-1] / heads:.2f} s a head", flush=True)
    if against:
        print(f"{times[1] / times[0]:.1f} times as fast")


if __name__ == "__main__":
    main()
