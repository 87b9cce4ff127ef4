"""A small finished study for the report: runs of drawn predictions, their data file, pictures."""

import base64
from pathlib import Path

import numpy as np
import run_files
from scipy import special

from convstudy.data import duplicates, facts, hdf5
from convstudy.statistics import aggregate, paired_tests

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
DATASET = "shapes"


def build(
    folder: Path,
    labels: tuple[str, ...] = ("Plain", "Wide", "Deep"),
    classes: list[str] | None = None,
    images: int = 150,
    seeds: tuple[int, ...] = (0, 1),
    **study: object,
) -> dict:
    """Write a study's files below a folder; arguments of `page.write_report` but for `path`."""
    names = classes or ["001.red_circle", "002.blue_square", "ring", "star"]
    data = folder / f"data/{DATASET}.h5"
    truth = write_data(data, names, images)
    rows = [row(f"v{place}", label, place) for place, label in enumerate(labels)]
    runs = [
        write_run(folder, x["variant"], seed, truth, names, 1.0 + 0.4 * place)
        for place, x in enumerate(rows)
        for seed in seeds
    ]
    (folder / "curve.png").write_bytes(PIXEL)
    pictures = [(x["label"], str(folder / "curve.png")) for x in rows]
    comparison = {"name": "c", "title": "Plain or not", "variants": [x["variant"] for x in rows]}
    return {
        "spec": {
            "study": {"name": "small", "title": "A study", "notes": ["Drawn images."]} | study,
            "rows": rows,
            "comparisons": [comparison],
            "pictures": {"Learning curves": pictures, "Sample images": pictures[:1]},
        },
        "frame": aggregate.summarize(rows, runs),
        "differences": paired_tests.compare([comparison], rows, runs),
        "runs": runs,
        "data_files": {DATASET: data},
        "data": {DATASET: facts_of(names, images)},
    }


def facts_of(names: list[str], images: int) -> dict:
    """What is known of the data set that `write_data` writes."""
    labels = np.tile(np.arange(images) % len(names), len(hdf5.SUBSETS))
    parts = np.repeat(hdf5.SUBSETS, images)
    known = [f"{i}.png" for i in range(len(labels))]
    placed = duplicates.Placed(known, parts, labels, names)
    none = duplicates.Twins(np.empty((0, 2), int), np.empty(0, int), 0, len(labels), 0, True)
    return {
        "made_of": {"image_size": [8, 8], "reader": "x"},
        "image_size": [8, 8],
        "left_out": [],
        "notes": [],
        "originals": {"sizes": {"8 x 8": 450}, "modes": {"RGB": 450}, "formats": {"PNG": 450}},
        "unreadable": [],
        "classes": facts.classes(names, labels, parts),
        "groups": None,
        "duplicates": duplicates.counts(none, placed) | {"pairs_left_out": 0},
    }


def row(variant: str, label: str, place: int) -> dict:
    """What `Study.spec` says of a variant."""
    found = run_files.variant(variant, DATASET) | {"label": label, "task": ""}
    found["training"] = found["training"] | {"learning_rate": 0.01 * (1 + place)}
    return found | {"model_options": {"kind": "net", "hidden": [64 * (1 + place)]}}


def write_data(path: Path, names: list[str], images: int) -> np.ndarray:
    """Write a data set of noise; the labels of its test images."""
    rng = np.random.default_rng(len(names))
    with hdf5.create_hdf5(path, {"class_names": names}) as f:
        for subset in hdf5.SUBSETS:
            labels = np.arange(images, dtype=np.int32) % len(names)
            group = hdf5.create_group(f, subset)
            hdf5.write_array(
                group, "images", rng.integers(256, size=(images, 8, 8, 3), dtype=np.uint8)
            )
            hdf5.write_array(group, "labels", labels)
            hdf5.write_names(group, "names", [f"{i}.png" for i in range(images)])
    return labels


def write_run(
    folder: Path, variant: str, seed: int, truth: np.ndarray, names: list[str], sharp: float
) -> tuple[Path, Path]:
    """Write one evaluated run whose probabilities lean towards the truth, the more the sharper."""
    rng = np.random.default_rng([seed, int(10 * sharp)])
    logits = rng.normal(size=(len(truth), len(names))) + sharp * np.eye(len(names))[truth]
    probabilities = special.softmax(1.3 * logits, axis=1).astype(np.float32)
    where = folder / f"runs/{DATASET}/{variant}"
    return run_files.write_predicted(where, variant, seed, probabilities, truth, class_names=names)
