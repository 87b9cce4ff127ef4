"""What a step cost: the figures of a run that are never twice the same."""

from typing import Any

FIGURES = {
    "train_seconds", "train_peak_memory_mib", "milliseconds_per_image", "extraction_seconds",
    "evaluate_peak_memory_mib", "evaluate_load", "load", "seconds",
}  # fmt: skip
COLUMNS = [
    "train_seconds_mean", "train_peak_memory_mib_max", "milliseconds_per_image_mean",
    "extraction_seconds_mean", "evaluate_peak_memory_mib_max", "load_max",
]  # fmt: skip


def without(value: Any) -> Any:
    """A tree of JSON without them."""
    if isinstance(value, dict):
        return {key: without(x) for key, x in value.items() if key not in FIGURES}
    return [without(x) for x in value] if isinstance(value, list) else value
