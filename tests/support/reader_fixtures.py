"""Tiny data sets in every form that the readers read, and what the tests ask of them."""

import io
import pickle
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from convstudy.data import hdf5
from convstudy.data.preparation import Outputs, prepare
from convstudy.demo.formats import dump_python2
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.study import schema

SCHEMA = Path(__file__).parents[2] / "rules/schemas/config.schema.yaml"
CLASSES = ("ant", "bee", "cat")


def picture(seed: int = 0, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Image.Image:
    """A picture of noise, (width, height)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, file_format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_files(folder: Path, members: dict[str, bytes]) -> Path:
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def dumped(content: dict, protocol: int) -> bytes:
    """Pickle as Python 2 did (protocol 0 stands for it) or as Python 3 does, with text keys."""
    if protocol == 0:
        return dump_python2(content)
    return pickle.dumps({key.decode(): value for key, value in content.items()}, protocol)


def batch(keys: tuple[str, ...], per_class: int, seed: int) -> dict:
    """One CIFAR file: labels 0, 1, 2, 0, 1, 2, ... under each key ("coarse" ones are halved)."""
    labels = list(range(len(CLASSES))) * per_class
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    names = [b"%d_%d.png" % (seed, index) for index in range(len(labels))]
    content = {b"data": pixels, b"filenames": names, b"batch_label": b"a batch"}
    for key in keys:
        values = [label // 2 for label in labels] if "coarse" in key else labels
        content[key.encode()] = values
    return content


def cifar100_members(protocol: int = 0, per_class: int = 4, **changes) -> dict[str, bytes]:
    """Members of a CIFAR-100 archive; `changes` replace entries of its `train` file."""
    keys = ("fine_labels", "coarse_labels")
    train = batch(keys, per_class, 1) | {key.encode(): value for key, value in changes.items()}
    meta = {
        b"fine_label_names": [name.encode() for name in CLASSES],
        b"coarse_label_names": [b"insect", b"mammal"],
    }
    contents = {"meta": meta, "test": batch(keys, per_class, 2), "train": train}
    return {f"cifar-100-python/{name}": dumped(c, protocol) for name, c in contents.items()}


def cifar10_members(protocol: int = 0) -> dict[str, bytes]:
    contents = {f"data_batch_{n}": batch(("labels",), 1, n) for n in range(1, 6)}
    contents["test_batch"] = batch(("labels",), 2, 9)
    contents["batches.meta"] = {b"label_names": [name.encode() for name in CLASSES]}
    return {f"cifar-10-batches-py/{name}": dumped(c, protocol) for name, c in contents.items()}


def cub_members(train: int = 3, test: int = 2) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Members of the archive of images and of that of lists."""
    images, lists = {}, {"train": [], "test": []}
    for number, name in enumerate(CLASSES, 1):
        for index in range(train + test):
            file = f"{number:03d}.{name}/{name}_{index:04d}.jpg"
            images[f"images/{file}"] = encoded(picture(index), "JPEG")
            lists["train" if index < train else "test"].append(file)
    texts = {f"lists/{key}.txt": "\n".join(lines).encode() for key, lines in lists.items()}
    return images, texts


def folder_members(
    per_class: int = 5, top: str = "", classes: tuple[str, ...] = CLASSES
) -> dict[str, bytes]:
    return {
        f"{top}{name}/{index}.png": encoded(picture(hash_of(name) + index))
        for name in classes
        for index in range(per_class)
    }


def hash_of(name: str) -> int:
    return int.from_bytes(name.encode(), "big") % 1000


def block(kind: str, files: dict[str, Path], **settings) -> dict:
    """A data set's block of the config, checked and complete."""
    rules = yaml.safe_load(SCHEMA.read_text())
    own = {"reader": kind, "files": {key: str(path) for key, path in files.items()}}
    own |= {"image_size": [8, 8]} | settings
    own["image_size"] = list(own["image_size"])
    schema.check(own, rules["$defs"]["dataset"] | {"$defs": rules["$defs"]}, "datasets.d")
    return own


def outputs(output: Path) -> Outputs:
    """A data set's file, and what is written beside it."""
    beside = [output.with_suffix(ending) for ending in (".json", ".csv", ".duplicates.csv")]
    return Outputs(output, *beside)


def prepared(kind: str, files: dict[str, Path], folder: Path, **settings) -> dict:
    """Prepare a data set and read it: {"train": (images, labels, names), ..., "attributes"}."""
    output = folder / "out" / "data.h5"
    prepare(block(kind, files, **settings), outputs(output))
    content = {
        subset: hdf5.read_subset(output, subset, ("images", "labels", "names"))
        for subset in hdf5.SUBSETS
    }
    facts = atomic_files.read_json(output.with_suffix(".json"))
    return content | {"attributes": hdf5.read_attributes(output), "facts": facts}


def refused(kind: str, files: dict[str, Path], folder: Path, expected: str, **settings) -> str:
    """Assert that one `UserError` names a file and says `expected`, and that nothing is left."""
    with pytest.raises(UserError) as caught:
        prepared(kind, files, folder, **settings)
    message = str(caught.value)
    assert any(str(path) in message for path in files.values()), message
    assert re.search(expected, message), message
    assert not list((folder / "out").glob("*")), "a file was left in the output's folder"
    return message
