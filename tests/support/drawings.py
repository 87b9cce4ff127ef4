"""Drawings of each kind from made-up runs, and the files that they are drawn from."""

import numpy as np
import pandas

from convstudy.data import hdf5
from convstudy.report.plots import (
    comparison,
    confusion,
    learning_curves,
    reliability,
    samples,
    style,
    sweep,
)


def history(path, epochs, level=0.6):
    epoch = np.arange(1, epochs + 1)
    accuracy = level * (1 - np.exp(-epoch / 3))
    frame = pandas.DataFrame(
        {
            "epoch": epoch,
            "loss": 3 - 2 * accuracy,
            "accuracy": accuracy,
            "val_loss": 3 - 1.8 * accuracy,
            "val_accuracy": accuracy * 0.9,
            "learning_rate": 0.01,
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return path


def predictions(path, classes, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.3), size=3 * classes)
    labels = np.arange(3 * classes) % classes
    hdf5.write_predictions(path, {"test": (probabilities, labels)})
    return path


def data_set(path, names, size=8, images=2):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(names)), images)
    with hdf5.create_hdf5(path, {"class_names": names}) as file:
        group = file.create_group("train")
        pixels = rng.integers(256, size=(len(labels), size, size, 3), dtype=np.uint8)
        hdf5.write_array(group, "images", pixels)
        hdf5.write_array(group, "labels", labels.astype(np.int32))
    return path


def draw_learning_curves(folder, outputs):
    runs = [(seed, history(folder / f"s{seed}.csv", 5 + seed)) for seed in (0, 1)]
    learning_curves.plot(runs, "base_net", style.PALETTE[0], outputs)


def results(variants, accuracies=(0.35, 0.43), baseline=0.04, of="variant", labels=None):
    """What the statistics say of two variants."""
    summary = pandas.DataFrame(
        {
            "variant": variants,
            "label": labels or variants,
            "majority_accuracy": baseline,
            "interval_of": of,
            "solved": False,
            "test_accuracy_mean": accuracies,
            "test_accuracy_ci_low": np.subtract(accuracies, 0.02),
            "test_accuracy_ci_high": np.minimum(1, np.add(accuracies, 0.02)),
        }
    ).set_index("variant")
    difference = accuracies[1] - accuracies[0]
    pair = {
        "baseline": variants[0],
        "variant": variants[1],
        "difference": difference,
        "ci_low": difference - 0.03,
        "ci_high": difference + 0.03,
        "minimum_detectable_effect": 0.05,
        "speaks_of": f"{of}s",
    }
    return summary, pandas.DataFrame([pair])


def draw_comparison(folder, outputs, seeds=(0, 1), **changed):
    names = ["base_net", "base_net_normalize"]
    runs = {
        name: [(seed, history(folder / f"{name}{seed}.csv", 6 + seed)) for seed in seeds]
        for name in names
    }
    colours = style.variant_colours({"objects": names})
    comparison.plot(runs, *results(names, **changed), colours, "Generators", outputs)


LONG = ["long name " * 30, "图片分类" * 40]


def draw_long_names(folder, outputs):
    draw_comparison(folder, outputs, labels=LONG)


def draw_sweep(folder, outputs, top=1.0):
    points = [{"training.learning_rate": rate} for rate in (0.001, 0.01, 0.1)]
    found = [{"validation": [x, top], "test": [x, x]} for x in (0.9, 0.95, 0.97)]
    sweep.plot(points, found, 2, "rates", 1, outputs)


def draw_long_sweep(folder, outputs):
    points = [{"training.optimizer": f"{name}{i}"} for i, name in enumerate(LONG * 2)]
    found = [{"validation": [0.5], "test": [0.5]}] * 4
    sweep.plot(points, found, 2, LONG[1], 1, outputs)


def draw_samples(folder, outputs):
    names = [f"{i:03d}.Some_bird_{i}" for i in range(15)]
    samples.plot(data_set(folder / "birds.h5", names), "birds", outputs, rows=3)


def draw_short_names(folder, outputs):
    names = [f"c{i}" for i in range(3)]
    title = "a title that is longer than three columns of images are wide together"
    samples.plot(data_set(folder / "few.h5", names), title, outputs)


def draw_confusion(folder, outputs):
    paths = [predictions(folder / f"p{seed}.h5", 5, seed) for seed in (0, 1)]
    confusion.plot(paths, list("abcde"), "base_net", outputs)


def draw_two_classes(folder, outputs):
    confusion.plot([predictions(folder / "p.h5", 2)], LONG, LONG[0], outputs)


def draw_many_classes(folder, outputs):
    names = [f"species $x_{i}$ <i>" for i in range(60)]
    confusion.plot([predictions(folder / "p.h5", 60)], names, "birds", outputs)


def draw_reliability(folder, outputs):
    paths = [predictions(folder / f"p{seed}.h5", 5, seed) for seed in (0, 1)]
    reliability.plot(paths, 0.1, 0.02, LONG[1], style.PALETTE[1], outputs)


DRAWINGS = [
    draw_learning_curves,
    draw_comparison,
    draw_long_names,
    draw_sweep,
    draw_long_sweep,
    draw_samples,
    draw_short_names,
    draw_confusion,
    draw_two_classes,
    draw_many_classes,
    draw_reliability,
]
