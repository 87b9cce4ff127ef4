"""Finished runs with their records, from which no network was trained."""

import json
from pathlib import Path

import run_files

from convstudy.foundation import atomic_files, digests
from convstudy.provenance import records

CLASSES = ["dark, grey", "bright", "红", "a/b", "e", "f"]
EPOCHS = "epoch,loss,accuracy\n1,0.75,0.5\n2,,0.625\n"
SPEC = {
    "kind": "small_net",
    "input": "images",
    "generator": {"kind": "normalize", "options": {"shift": 0.125, "sides": [1, 2]}},
    "training": {"epochs": 2, "patience": None, "nesterov": True},
}
START = {"kind": "small_net", "options": {"dropout": 0.25}, "input": "images", "backbone": None}


def make(name: str, seed: int = 0, accuracy: float = 0.75) -> Path:
    """Leave a finished run in the current folder, or another one in its place."""
    metrics, predictions = run_files.write_run(Path("results/runs"), name, seed, accuracy)
    folder = metrics.parent
    content = json.loads(metrics.read_text()) | {"class_names": CLASSES, "model": "small"}
    atomic_files.write_json(metrics, content)
    start = Path(f"results/initial_weights/shapes/small/seed{seed}.keras")
    start.parent.mkdir(parents=True, exist_ok=True)
    start.write_text("weights")
    (folder / "model.keras").write_text(f"a network that is right in {accuracy}")
    (folder / "history.csv").write_text(EPOCHS)
    _keep("initialize_weights", START, [], [start])
    _keep("train_model", SPEC, [start], [folder / "model.keras", folder / "history.csv"])
    _keep("evaluate_model", SPEC, [folder / "model.keras"], [metrics, predictions])
    return folder


def _keep(rule: str, spec: dict, inputs: list[Path], outputs: list[Path]) -> None:
    entries = [{"path": str(path), "sha256": digests.of_file(path)} for path in inputs]
    record = {"rule": rule, "params": {"spec": json.dumps(spec)}, "inputs": entries}
    records.write(records.finished(record, list(map(str, outputs))))
