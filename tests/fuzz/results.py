"""Targets: what the workflow itself wrote (HDF5, JSON, CSV), and the config."""

import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import run_files
import yaml
from hypothesis import strategies as st

from convstudy.data import hdf5, stored_rows
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report.plots import style
from convstudy.statistics import aggregate, metrics_file, paired_tests
from convstudy.study import studies, validation
from fuzz.harness import Target
from fuzz.mutations import mutated, mutated_trees

ROOT = Path(__file__).parent.parent.parent
ABOUT = {"class_names": ["ant", "bée"], "seed": 3, "validation_fraction": 0.1, "reader": "cifar"}


def write_data(path: Path, array: str = "images") -> None:
    rng = np.random.default_rng(0)
    with hdf5.create_hdf5(path, ABOUT) as file:
        for subset, n in (("train", 40), ("validation", 3), ("test", 3)):
            group = file.create_group(subset)
            pixels = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
            pixels[::2] = 255  # white pictures: a lost block of them must be noticed too
            vectors = np.maximum(rng.normal(size=(n, 5)), 0).astype(np.float32)
            hdf5.write_array(group, array, pixels if array == "images" else vectors)
            hdf5.write_array(group, "labels", np.arange(n, dtype=np.int32) % 2)
            hdf5.write_names(group, "names", [f"é{i}.png" for i in range(n)])


def read_data(path: Path, array: str = "images") -> list[Any]:
    names = (array, "labels", "names")
    parts = [hdf5.read_subset(path, subset, names) for subset in hdf5.SUBSETS]
    rows = hdf5.read_rows(path, "train", np.array([5, 0, 33]), array)
    stored = stored_rows.of_subsets(path, ["train", "test"], array)[[41, 0, 33]]
    return [*parts, rows, stored, hdf5.read_attributes(path)]


def write_predictions(path: Path) -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(3), 60)
    labels = np.where(rng.random(60) < 0.5, probabilities.argmax(axis=1), 0)
    hdf5.write_predictions(path, {"validation": (probabilities, labels)} | GOOD_TEST, **ABOUT)


GOOD_TEST = {"test": (np.full((60, 3), [0.2, 0.5, 0.3]), np.arange(60) % 3)}


def read_predictions(path: Path) -> list[Any]:
    parts = [hdf5.read_predictions(path, subset) for subset in ("validation", "test")]
    return [*parts, hdf5.read_attributes(path)]


def write_statistics(path: Path) -> None:
    rng = np.random.default_rng(2)
    hdf5.write_statistics(path, {"mean": np.zeros(3), "zca": rng.normal(size=(48, 48))}, n=4)


def read_statistics(path: Path) -> list[Any]:
    found = hdf5.read_statistics(path)
    return [[found[name] for name in sorted(found)], sorted(found)]


HDF5 = {
    "data": (write_data, read_data),
    "features": (
        functools.partial(write_data, array="vectors"),
        functools.partial(read_data, array="vectors"),
    ),
    "predictions": (write_predictions, read_predictions),
    "statistics": (write_statistics, read_statistics),
}


def written(write: Callable[[Path], None], ending: str = ".h5") -> bytes:
    """The bytes of a file that `write` makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"good{ending}")
        write(path)
        return path.read_bytes()


def check_hdf5(kind: str) -> Callable[[bytes, Path], None]:
    write, read = HDF5[kind]
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder, "good.h5")
        write(good)
        expected = exact(read(good))

    def check(case: bytes, path: Path) -> None:
        path.write_bytes(case)
        assert exact(read(path)) == expected, "other data was read, and nothing said so"

    return check


def exact(value: Any) -> Any:
    """A value in which equality is that of bits."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return [exact(part) for part in value]
    return value


def foreign_hdf5() -> st.SearchStrategy[bytes]:
    """HDF5 files that others might have written: any tree of names, types and shapes."""
    names = st.sampled_from(["train", "test", "validation", "images", "labels", "probabilities"])
    kinds = ["u1", "i4", "f4", "f2", "c8", "S3", "O", "i4,f4", "bool", "(2,)f4"]
    shapes = [(), (0,), (3,), (3, 4), (3, 4, 4, 3), (2**40,), (2**20, 2**20)]
    leaf = st.tuples(st.sampled_from(kinds), st.sampled_from(shapes), st.booleans())
    links = st.sampled_from(["/train", "/nowhere", "external"])
    tree = st.recursive(
        leaf | links, lambda inner: st.dictionaries(names, inner, max_size=4), max_leaves=9
    )
    values = st.sampled_from([1, "a", b"\xff", ["a", "b"], [1.5], np.float16(2), h5py.Empty("f4")])
    attributes = st.dictionaries(
        st.sampled_from(["class_names", "seed", hdf5.DIGEST]), values, max_size=3
    )
    return st.builds(build_hdf5, st.dictionaries(names, tree, max_size=4), attributes)


def build_hdf5(tree: dict, attributes: dict) -> bytes:
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        _fill(file, tree)
        file.attrs.update(attributes)
        file.flush()
        return file.id.get_file_image()


def _fill(group: h5py.Group, tree: dict) -> None:
    for name, node in tree.items():
        if isinstance(node, dict):
            _fill(group.create_group(name), node)
        elif node == "external":
            group[name] = h5py.ExternalLink("/etc/passwd", "/train")
        elif isinstance(node, str):
            group[name] = h5py.SoftLink(node)
        else:
            kind, shape, chunked = node
            dtype = h5py.string_dtype() if kind == "O" else np.dtype(kind)
            group.create_dataset(name, shape, dtype, chunks=True if chunked and shape else None)


def check_foreign(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    refusals = []
    readers = (
        lambda: hdf5.read_subset(path, "train"),
        lambda: hdf5.read_rows(path, "train", np.array([0])),
        lambda: stored_rows.of_subset(path, "train", "images")[0][:],
        lambda: hdf5.read_predictions(path),
        lambda: hdf5.read_statistics(path),
        lambda: hdf5.read_attributes(path),
    )
    for read in readers:
        try:
            read()
        except UserError as error:
            refusals.append(error)
    if len(refusals) == len(readers):
        raise refusals[0]


def metrics_of_a_run() -> dict[str, Any]:
    figures = {key: 0.5 for key in metrics_file.FIGURES} | {"n_classes": 3, "n_test": 60}
    figures |= {key: [0.0, 1.0, None] for key in metrics_file.PER_CLASS}
    made_by = {"versions": {"numpy": "2"}, "inputs": {"d.h5": "0"}, "processor": "p", "load": 0.5}
    return figures | {
        "dataset": "d",
        "variant": "v",
        "seed": 0,
        "test_accuracy": 1 / 3,
        "test_top5_accuracy": None,
        "test_roc_auc": 0.5,
        "extraction_seconds": None,
        "test_never_predicted": ["a"],
        "evaluate_processor": "p",
        "provenance": made_by | {"threads": 1, "git_commit": None},
    }


def metrics_files() -> st.SearchStrategy[bytes]:
    good = metrics_of_a_run()
    trees = mutated_trees(good).map(lambda tree: json.dumps(tree).encode())
    deep = st.integers(1, 10**5).map(lambda depth: b"[" * depth)
    return trees | mutated([json.dumps(good).encode()]) | deep


@functools.cache
def good_run() -> bytes:
    return written(write_predictions)


def check_metrics(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    predictions = path.with_name("predictions.h5")
    predictions.write_bytes(good_run())
    rows = [run_files.variant(name, "d") for name in ("v", "w")]
    other = path.with_name("other.json")
    atomic_files.write_json(other, metrics_of_a_run() | {"variant": "w"})
    runs = [(path, predictions), (other, predictions)]
    aggregate.summarize(rows, runs)
    about = {"name": "c", "title": "C", "variants": ["v", "w"]}
    paired_tests.compare([about], rows, runs)


def histories() -> st.SearchStrategy[bytes]:
    rows = "\n".join(f"{epoch},1.5,0.25,1.25,0.5,0.01" for epoch in (1, 2, 3))
    return mutated([f"epoch,loss,accuracy,val_loss,val_accuracy,learning_rate\n{rows}\n".encode()])


def check_history(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    frames = style.read_histories([(0, path)])
    for column in style.HISTORY_COLUMNS:
        style.mean_over_seeds(frames, column)


def configs() -> st.SearchStrategy[bytes]:
    tree = yaml.safe_load((ROOT / "config.yaml").read_text())
    return mutated_trees(tree).map(
        lambda changed: yaml.dump(changed, Dumper=yaml.CSafeDumper).encode()
    )


def check_config(case: bytes, path: Path) -> None:
    tree = yaml.load(case, yaml.CSafeLoader)
    validation.validate(tree, ROOT / "rules/schemas/config.schema.yaml")
    studies.resolve(tree)


TARGETS = [
    *(
        Target(
            f"hdf5 {kind}",
            functools.partial(lambda write: mutated([written(write)]), write),
            check_hdf5(kind),
            ".h5",
            share=0.5,
        )
        for kind, (write, _) in HDF5.items()
    ),
    Target("hdf5 foreign", foreign_hdf5, check_foreign, ".h5", share=0.5),
    Target("metrics", metrics_files, check_metrics, ".json", 0.25, names="case|^variant"),
    Target("history", histories, check_history, ".csv", share=0.5),
    Target("config", configs, check_config, ".yaml", share=0.1, names="^config"),
]
