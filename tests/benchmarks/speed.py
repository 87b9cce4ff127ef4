"""How fast features and trainings are, beside other engines, side by side in one run.

    python tests/benchmarks/speed.py                         about 25 minutes on two cores
    python tests/benchmarks/speed.py --size small            whether it works, in a minute or two
    python tests/benchmarks/speed.py --table docs/performance.csv --picture docs/performance.svg

In each round every engine does every work once, one after the other, each in a process of its own;
medians over the rounds are told. Engines are Keras as its guides use it, PyTorch and OpenVINO.
Those that are not installed (`pip install -r tests/benchmarks/requirements.txt`) are left out, and
that is said. What exactly is measured stands in `tests/benchmarks/engines/`.
"""

import ast
import csv
import importlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import matplotlib.pyplot as plt

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from engines import Size

from convstudy.foundation import atomic_files
from convstudy.study import static_values
from convstudy.training import device

HERE = Path(__file__).parent
SIZES = {"full": Size(large=64, small=3200), "small": Size(large=2, small=64, side=64, batch=2)}
OURS = "project"
ENGINES = {OURS: "convstudy", "plain_keras": "Keras", "pytorch": "PyTorch", "open_vino": "OpenVINO"}


@dataclass(frozen=True)
class Work:
    """A row of the table: what is done, in which precision, on how many threads."""

    kind: str
    precision: str
    threads: int

    @property
    def words(self) -> str:
        """The row's name."""
        name = {
            "extraction": "ResNet50 features",
            "fine_tuning": "ResNet50 fine-tuning, frozen norms",
            "base_net": "BaseNet",
            "base_net_augmented": "BaseNet, augmented",
            "improved_net": "improved net",
            "improved_net_augmented": "improved net, augmented",
        }[self.kind]
        low = {"mixed_bfloat16": ", bfloat16"}.get(self.precision, "")
        return f"{name}{low}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def works(threads: int) -> list[Work]:
    """All rows, with so many threads where it is not one."""
    large = [
        Work(kind, precision, threads)
        for kind in ("extraction", "fine_tuning")
        for precision in ("float32", "mixed_bfloat16")
    ]
    small = [
        Work(f"{net}{augmented}", "float32", n)
        for net in ("base_net", "improved_net")
        for augmented in ("", "_augmented")
        for n in sorted({1, threads})
    ]
    return large + small


def missing(engine: str) -> list[str]:
    """The libraries of an engine that are not installed, by its source: it may import them."""
    source = ast.parse((HERE / f"engines/{engine}.py").read_text())
    names = static_values.constants(source)["LIBRARIES"]
    return [name for name in names if importlib.util.find_spec(name) is None]


def measure(engine: str, work: Work, size: str) -> float | None:
    """Images a second, measured in a process of its own; None of what an engine does not do.

    Raises:
        click.ClickException: the process failed; with what it said.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--one", engine, *map(str, vars(work).values()), size],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
    )
    if done.returncode:
        raise click.ClickException(f"{engine}, {work.words}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def do_one(engine: str, kind: str, precision: str, threads: str, size: str) -> None:
    """Measure one engine in this process, and print the figure."""
    module = importlib.import_module(f"engines.{engine}")
    work = getattr(module, kind, None)
    print(json.dumps(work and work(precision, int(threads), SIZES[size])))


def rounds_of(
    rows: Iterable[Work], engines: list[str], rounds: int, size: str
) -> dict[tuple[Work, str], list[float]]:
    """All figures of each row and engine."""
    found: dict[tuple[Work, str], list[float]] = {}
    for number in range(rounds):
        for work in rows:
            for engine in engines:
                rate = measure(engine, work, size)
                if rate is not None:
                    found.setdefault((work, engine), []).append(rate)
                    click.echo(f"{number + 1}/{rounds} {work.words}: {ENGINES[engine]} {rate:,.1f}")
    return found


def table(found: dict[tuple[Work, str], list[float]]) -> Iterator[dict[str, object]]:
    """A row a measurement, with how many times as fast the project is."""
    medians = {key: statistics.median(rates) for key, rates in found.items()}
    for (work, engine), rate in medians.items():
        yield {
            "work": work.words,
            "engine": ENGINES[engine],
            "images_per_second": f"{rate:.1f}",
            "least": f"{min(found[work, engine]):.1f}",
            "most": f"{max(found[work, engine]):.1f}",
            "rounds": len(found[work, engine]),
            "project_by_engine": f"{medians[work, OURS] / rate:.2f}",
        }


def draw(rows: list[dict[str, object]], path: str) -> None:
    """How many times as fast the project is as each engine, a group of bars a work."""
    others = [row for row in rows if row["engine"] != ENGINES[OURS]]
    names = list(dict.fromkeys(row["work"] for row in rows))
    colours = dict(zip(list(ENGINES.values())[1:], ("#4477AA", "#CC6677", "#DDAA33"), strict=True))
    figure, axes = plt.subplots(figsize=(8, 0.45 * len(names) + 1.2), layout="constrained")
    for engine, colour in colours.items():
        own = [row for row in others if row["engine"] == engine]
        shift = 0.26 * (list(colours).index(engine) - 1)
        heights = [names.index(row["work"]) + shift for row in own]
        ratios = [float(row["project_by_engine"]) for row in own]
        axes.barh(heights, ratios, 0.24, color=colour, label=f"as {engine}")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("how many times as fast convstudy is")
    axes.legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None})


@click.command()
@click.option("--size", type=click.Choice(list(SIZES)), default="full")
@click.option("--rounds", type=click.IntRange(1), default=3)
@click.option("--threads", type=click.IntRange(1), default=2)
@click.option("--only", default="", help="rows whose kind or precision has this in its name")
@click.option("--table", "table_file", type=click.Path(), help="CSV file of the medians")
@click.option("--picture", type=click.Path(), help="picture of the ratios")
@click.option("--one", nargs=5, hidden=True)
def main(size, rounds, threads, only, table_file, picture, one) -> None:
    """Measure all engines in turn."""
    if one:
        return do_one(*one)
    engines = []
    for engine, name in ENGINES.items():
        lacks = missing(engine)
        if lacks:
            click.echo(f"{name} is left out: {', '.join(lacks)} not installed")
        else:
            engines.append(engine)
    libraries = ("tensorflow", "keras", "torch", "openvino")
    installed = [name for name in libraries if importlib.util.find_spec(name)]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in installed)
    click.echo(f"{device.processor()}, load {device.load():.2f}; {versions}")
    rows = [x for x in works(threads) if only in f"{x.kind} {x.precision}"]
    if not rows:
        raise click.BadParameter(f"no row has '{only}' in its name", param_hint="--only")
    told = list(table(rounds_of(rows, engines, rounds, size)))
    for row in told:
        click.echo("  ".join(str(value) for value in row.values()))
    if table_file:
        with atomic_files.whole_file(table_file) as temporary, open(temporary, "w") as stream:
            writer = csv.DictWriter(stream, told[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(told)
    if picture:
        draw(told, picture)


if __name__ == "__main__":
    main()
