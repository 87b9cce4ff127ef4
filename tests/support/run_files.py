"""What an evaluated run leaves, with a chosen accuracy."""

import numpy as np

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.statistics import metrics

CLASSES = 6


def variant(name, dataset="shapes", reference=None):
    return {
        "variant": name,
        "dataset": dataset,
        "model": "small",
        "generator": "none",
        "backbone": None,
        "protocol": "corrected",
        "sweep": None,
        "values": {},
        "reference": reference,
        "description": f"What {name} is.",
        "label": name,
        "budget": {"epochs": 30, "patience": 30},
        "training": {"batch_size": 32, "learning_rate": 0.01, "epochs": 30, "patience": 30},
        "methods": {"optimizer": "SGD", "schedule": "time_decay", "loss": "cross_entropy"},
        "generator_options": None,
        "model_options": {"kind": "small"},
        "statistics_from": None,
        "switches": {},
    }


def write_run(folder, name, seed, accuracy, dataset="shapes", n=300, labels=0, **made_with):
    """Write one evaluated run that is right on about `accuracy` of its images."""
    rng = np.random.default_rng([seed, sum(map(ord, name))])
    truth = np.random.default_rng(labels).integers(CLASSES, size=n)
    guess = np.where(rng.random(n) < accuracy, truth, (truth + 1) % CLASSES)
    probabilities = np.full((n, CLASSES), 0.05, np.float32)
    probabilities[np.arange(n), guess] = 0.75
    return write_predicted(folder / dataset / name, name, seed, probabilities, truth, **made_with)


def write_predicted(folder, name, seed, probabilities, truth, **made_with):
    """Write one evaluated run that predicted so; the data set is the folder that `folder` is in."""
    where, dataset = folder / f"seed{seed}", folder.parent.name
    names = made_with.get("class_names", [f"class {i}" for i in range(probabilities.shape[1])])
    hdf5.write_predictions(
        where / "predictions.h5", {"test": (probabilities, truth)}, class_names=names
    )
    found = metrics.evaluate(probabilities, truth)
    found |= metrics.after_temperature(probabilities, truth, 1.5) | {"never_predicted": []}
    content = {
        "dataset": dataset,
        "variant": name,
        "seed": seed,
        "backbone": None,
        "n_train": 900,
        "n_validation": 100,
        "n_test": len(truth),
        "n_classes": len(names),
        "class_names": names,
        **{f"test_{key}": value for key, value in found.items()},
        "validation_accuracy": 0.5,
        "temperature": 1.5,
        "majority_accuracy": metrics.majority_accuracy(truth),
        "train_loss": 0.4,
        "train_accuracy": 0.9,
        "train_running_loss": 0.6,
        "train_running_accuracy": 0.85,
        "epochs_run": 10 + seed,
        "parameters": 1234,
        "trainable_parameters": 1200,
        "backbone_parameters": 0,
        "flops_per_image": 2_000_000,
        "backbone_flops_per_image": 0,
        "extraction_seconds": None,
        "milliseconds_per_image": 0.5,
        "evaluate_peak_memory_mib": 300.0,
        "evaluate_processor": "a processor",
        "evaluate_device": made_with.get("device", "cpu"),
        "evaluate_load": 0.5,
        "train_seconds": 2.0 + seed,
        "train_peak_memory_mib": 100.0 + seed,
        "provenance": {
            "versions": {"numpy": made_with.get("numpy", "2.0"), "keras": "3.0"},
            "threads": made_with.get("threads", 1),
            "device": made_with.get("device", "cpu"),
            "git_commit": None,
            "processor": "a processor",
            "load": 0.7,
            "inputs": {f"results/data/{dataset}.h5": made_with.get("data", "d" * 64)},
        },
    }
    atomic_files.write_json(where / "metrics.json", content)
    return where / "metrics.json", where / "predictions.h5"
