"""The metrics.json of an evaluated run, checked before anything is made of it."""

from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError

FIGURES = (
    "test_loss test_accuracy test_top5_accuracy test_ece test_brier train_accuracy "
    "validation_accuracy epochs_run parameters train_seconds train_peak_memory_mib n_train "
    "n_validation n_test n_classes"
).split()
MAX_FIGURE = 1e15


def read(path: Path | str) -> dict[str, Any]:
    """Read an evaluated run's metrics.json; raise `UserError` where a key that is used is wrong."""
    metrics = atomic_files.read_json(path)
    found = metrics.get("provenance")
    provenance = found if isinstance(found, dict) else {}
    versions = provenance.get("versions")
    right = {
        **{key: isinstance(metrics.get(key), str) for key in ("dataset", "variant")},
        **{key: _is_figure(metrics.get(key)) for key in FIGURES},
        "seed": type(metrics.get("seed")) is int,
        "n_classes": _is_figure(metrics.get("n_classes")) and metrics["n_classes"] > 0,
        "provenance": isinstance(versions, dict)
        and all(isinstance(version, str) for version in versions.values())
        and type(provenance.get("threads")) is int
        and isinstance(provenance.get("git_commit"), str | None),
    }
    for key in (key for key, good in right.items() if not good):
        raise UserError(
            f"{path}: '{key}' is {str(metrics.get(key, 'missing'))[:100]}, which is not what an "
            f"evaluation writes. The file was damaged or changed: delete it and run the same "
            f"command again."
        )
    return metrics


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < MAX_FIGURE
