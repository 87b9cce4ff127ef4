"""The metrics.json of an evaluated run, checked before anything is made of it."""

from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError

FIGURES = (
    "test_loss test_accuracy test_ece test_ece_floor test_ece_floor_high test_ece_scaled "
    "test_ece_floor_scaled test_loss_scaled test_brier "
    "test_balanced_accuracy test_macro_f1 majority_accuracy temperature "
    "validation_accuracy parameters trainable_parameters "
    "backbone_parameters flops_per_image backbone_flops_per_image milliseconds_per_image "
    "train_seconds train_peak_memory_mib evaluate_peak_memory_mib evaluate_load n_train "
    "n_validation n_test n_classes"
).split()
# null where there is no such figure
OPTIONAL = (
    "test_top5_accuracy", "test_roc_auc", "extraction_seconds", "train_accuracy",
    "train_running_accuracy", "epochs_run",
)  # fmt: skip
PER_CLASS = tuple(
    f"test_per_class_{name}" for name in ("accuracy", "precision", "f1", "roc_auc", "images")
)
# What is kept of each trained network that a mean of predictions is made of.
OF_NETWORK = (
    "parameters", "trainable_parameters", "train_seconds", "epochs_run", "train_peak_memory_mib",
    "backbone", "backbone_parameters", "backbone_flops_per_image", "extraction_seconds",
)  # fmt: skip
MAX_FIGURE = 1e15
UNKNOWN_DEVICE = "unknown"  # of runs that are older than the key


def read(path: Path | str) -> dict[str, Any]:
    """Read an evaluated run's metrics.json; raise `UserError` where a key that is used is wrong."""
    metrics = atomic_files.read_json(path)
    found = metrics.get("provenance")
    provenance = found if isinstance(found, dict) else {}
    versions = provenance.get("versions")
    right = {
        **{key: isinstance(metrics.get(key), str) for key in ("dataset", "variant")},
        **{key: _is_figure(metrics.get(key)) for key in FIGURES},
        **{key: metrics.get(key, "") is None or _is_figure(metrics.get(key)) for key in OPTIONAL},
        "n_classes": _is_figure(metrics.get("n_classes")) and metrics["n_classes"] > 0,
        **{key: _are_of_classes(metrics.get(key), metrics.get("n_classes")) for key in PER_CLASS},
        "evaluate_processor": isinstance(metrics.get("evaluate_processor"), str),
        "evaluate_device": isinstance(metrics.get("evaluate_device", ""), str),
        "test_never_predicted": _are_texts(metrics.get("test_never_predicted")),
        "seed": type(metrics.get("seed")) is int,
        "solved": type(metrics.get("solved", False)) is bool,
        "solution_notes": _are_texts(metrics.get("solution_notes", [])),
        "backbone": isinstance(metrics.get("backbone", 0), str | None),
        "made_of": isinstance(metrics.get("made_of", ""), str),
        "networks": _are_networks(metrics.get("networks", [])),
        "provenance": isinstance(versions, dict)
        and _are_texts(list(versions.values()))
        and isinstance(provenance.get("inputs"), dict)
        and _are_texts(list(provenance["inputs"].values()))
        and type(provenance.get("threads")) is int
        and isinstance(provenance.get("processor"), str)
        and isinstance(provenance.get("device", ""), str)
        and _is_figure(provenance.get("load"))
        and isinstance(provenance.get("git_commit"), str | None),
    }
    for key in (key for key, good in right.items() if not good):
        raise UserError(
            f"{path}: '{key}' is {str(metrics.get(key, 'missing'))[:100]}, which is not what an "
            f"evaluation writes. The file was damaged or changed: delete it and run the same "
            f"command again."
        )
    provenance.setdefault("device", UNKNOWN_DEVICE)
    return {"evaluate_device": UNKNOWN_DEVICE} | metrics


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < MAX_FIGURE


def _are_networks(value: Any) -> bool:
    """Whether it is a list of networks, each with its name and `OF_NETWORK`."""
    texts = {"network": str, "backbone": str | None}
    return isinstance(value, list) and all(
        isinstance(network, dict)
        and all(isinstance(network.get(key, 0), kind) for key, kind in texts.items())
        and all(
            _is_figure(network.get(key)) or (key in OPTIONAL and network.get(key, 0) is None)
            for key in OF_NETWORK
            if key not in texts
        )
        for network in value
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _are_of_classes(value: Any, classes: Any) -> bool:
    """Whether it has a figure a class, or null."""
    return (
        isinstance(value, list)
        and len(value) == classes
        and all(figure is None or _is_figure(figure) for figure in value)
    )
