"""A small finished study for the report: runs of drawn predictions, their data file, pictures."""

import base64
from pathlib import Path

import numpy as np
from sklearn import metrics as scores

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.statistics import aggregate, metrics, paired_tests

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
    }


def row(variant: str, label: str, place: int) -> dict:
    """What `Study.spec` says of a variant."""
    return {
        "variant": variant, "label": label, "dataset": DATASET, "task": "", "model": "net",
        "generator": "none", "backbone": None, "protocol": "corrected", "sweep": None,
        "values": {}, "reference": None, "description": f"What {variant} is.",
        "budget": {"epochs": 30, "patience": None},
        "training": {"epochs": 30, "patience": None, "batch_size": 32,
                     "learning_rate": 0.01 * (1 + place)},
        "model_options": {"kind": "net", "options": {"hidden": [64 * (1 + place)]}},
        "generator_options": None, "statistics_from": None, "switches": {},
    }  # fmt: skip


def write_data(path: Path, names: list[str], images: int) -> np.ndarray:
    """Write a data set of noise; the labels of its test images."""
    rng = np.random.default_rng(len(names))
    with hdf5.create_hdf5(path, {"class_names": names, "image_size": [8, 8], "reader": "x"}) as f:
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
    probabilities = np.exp(1.3 * logits)
    probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
    where = folder / f"runs/{DATASET}/{variant}/seed{seed}"
    hdf5.write_predictions(
        where / "predictions.h5", {"test": (probabilities, truth)}, class_names=names
    )
    content = {
        "dataset": DATASET, "variant": variant, "seed": seed, "n_train": len(truth),
        "n_validation": len(truth), "n_test": len(truth), "n_classes": len(names),
        "class_names": names, "epochs_run": 10, "parameters": 1000 * int(10 * sharp),
        "train_seconds": 1800.0, "train_peak_memory_mib": 512.0 + seed,
        "validation_accuracy": 0.5, "train_accuracy": 0.9,
        **{f"test_{key}": value for key, value in metrics.evaluate(probabilities, truth).items()},
        "provenance": {"versions": {"numpy": "2.0"}, "threads": 1, "git_commit": "abc123",
                       "inputs": {}},
    }  # fmt: skip
    content = further(probabilities, truth, names) | content
    atomic_files.write_json(where / "metrics.json", content)
    return where / "metrics.json", where / "predictions.h5"


def further(probabilities: np.ndarray, truth: np.ndarray, names: list[str]) -> dict:
    """The other keys of a metrics.json."""
    guess, classes = probabilities.argmax(axis=1), range(len(names))
    # scikit-learn wants rows that sum to one in double precision
    exact = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    each = scores.precision_recall_fscore_support(truth, guess, labels=classes, zero_division=0)
    areas = [scores.roc_auc_score(truth == c, exact[:, c]) for c in classes]
    return {
        "test_balanced_accuracy": scores.balanced_accuracy_score(truth, guess),
        "test_macro_f1": float(each[2].mean()),
        "test_roc_auc": float(np.mean(areas)),
        "test_per_class_precision": each[0].tolist(),
        "test_per_class_f1": each[2].tolist(),
        "test_per_class_roc_auc": [float(area) for area in areas],
        "test_per_class_images": each[3].tolist(),
        "test_ece_floor": 0.02, "test_ece_floor_high": 0.03, "test_ece_floor_scaled": 0.02,
        "temperature": 1.2, "test_ece_scaled": 0.03, "test_loss_scaled": 1.0,
        "majority_accuracy": float(np.bincount(truth).max() / len(truth)),
        "test_never_predicted": [names[c] for c in classes if c not in guess],
        "train_loss": 0.3, "train_running_accuracy": 0.8, "train_running_loss": 0.5,
        "trainable_parameters": 1000, "backbone_parameters": 0, "flops_per_image": 5000,
        "backbone_flops_per_image": 0, "extraction_seconds": None,
        "milliseconds_per_image": 0.2, "evaluate_peak_memory_mib": 400.0,
        "evaluate_processor": "a processor", "evaluate_load": 0.5,
    }  # fmt: skip
