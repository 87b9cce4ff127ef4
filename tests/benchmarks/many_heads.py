"""A study of many heads on cached features, beside the same where every job imports TensorFlow.

    python tests/benchmarks/many_heads.py --heads 100

A sweep over learning rates, on features of the demo's birds: training, evaluation, pictures
and tables of every head, on two cores. Prints the seconds of both and their ratio; to be run on a
machine that does nothing else. What was there before the heads (data, features) is not counted.
"""

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
OFFER = "    warm_start.offer()"


def project(folder: Path, heads: int) -> None:
    """A project whose features are made, and no head."""
    projects.put_sources(folder)
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
def main(heads: int) -> None:
    found = {}
    for name, line in {"one import": OFFER, "an import a job": "    warm_start.withdraw()"}.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "project")
            folder.mkdir()
            project(folder, heads)
            projects.edit(folder / "rules/start.smk", OFFER, line)
            found[name] = run(folder, "results/summary.csv")
        print(f"{name}: {found[name]:.0f} s, {found[name] / heads:.2f} s a head", flush=True)
    print(f"{found['an import a job'] / found['one import']:.1f} times as fast")


if __name__ == "__main__":
    main()
