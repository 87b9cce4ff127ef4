"""Targets: what strangers say of images beside them: tables, arrays, and names of files."""

import io
from pathlib import Path

import numpy as np
import reader_fixtures as fx
from hypothesis import strategies as st

from convstudy.foundation.errors import UserError
from convstudy.listing import layout
from convstudy.listing.tree import Listing
from convstudy.readers import open_source
from fuzz.harness import Target
from fuzz.mutations import mutated

TABLES = [
    b"image,label,part,who\n"
    + b"".join(b"d/%d.png,%c,train,p\n" % (i, 97 + i % 2) for i in range(6)),
    '\ufeffimage;label;part;who\n1.png;"a\nb";val;é\n2.png;b;train;x\n'.encode(),
    b"image\tlabel\tpart\twho\r\n3.png\ta\ttest\tx\r\n\r\n4.png\tb\ttraining\ty\r\n",
]
WORDS = ["train", "Test", "val", "cat", "dog ", "images", "data", "cafe\u0301", "café", "x.csv", ""]


def check_table(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    images = fx.write_files(path.parent / "images", {f"d/{i}.png": b"" for i in range(6)})
    options = {"split_column": "part", "group_column": "who"}
    with open_source("table", {"table": path, "images": images}, options) as source:
        for index in range(len(source.names)):
            source.image(index).close()


def arrays() -> list[bytes]:
    found = []
    for array in (np.zeros((4, 2, 2, 3), np.uint8), np.arange(4), np.zeros((4, 1), np.uint16)):
        stream = io.BytesIO()
        np.save(stream, array)
        found.append(stream.getvalue())
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros((4, 2, 2), np.uint16), version=(2, 0))
    return [*found, stream.getvalue()]


def check_arrays(case: bytes, path: Path) -> None:
    """One of the two arrays is the case, whichever lets it pass."""
    good = arrays()
    for name, other in (("images", 1), ("labels", 0)):
        members = {"images.npy": good[0], "labels.npy": good[1], f"{name}.npy": case}
        folder = fx.write_files(path, members)
        try:
            with open_source("arrays", {"arrays": folder}) as source:
                for index in range(len(source.names)):
                    assert source.image(index).dtype in (np.uint8, np.uint16)
        except UserError:
            if other == 0:
                raise


def paths() -> st.SearchStrategy[bytes]:
    """Folders of a few parts with the same classes, and one in the way now and then."""
    word = st.sampled_from(WORDS)

    def build(above: str, parts: list[str], classes: list[str], more: list[str]) -> bytes:
        folders = [f"{above}{part}/{name}".lstrip("/") for part in parts for name in classes]
        return "\n".join([*folders, *more]).encode()

    parts = st.lists(word, min_size=1, max_size=3, unique=True)
    more = st.lists(st.lists(word, min_size=1, max_size=4).map("/".join), max_size=1)
    return st.builds(build, st.sampled_from(["", "x/"]), parts, parts, more)


def check_paths(case: bytes, path: Path) -> None:
    found = case.decode().split("\n")
    images = sorted({f"{folder}/{i}.png" for i, folder in enumerate(found)} | {found[0] or "x"})
    lay = layout.find_layout(Listing(str(path), images, found, [], lambda name: False))
    used = set(lay.parts)
    assert used == set(lay.classes) == set(lay.below)
    assert used.isdisjoint(dict(lay.left_out)) and used | set(dict(lay.left_out)) == set(images)


TARGETS = [
    Target("table bytes", lambda: mutated(TABLES), check_table, ending=".csv"),
    Target("array bytes", lambda: mutated(arrays()), check_arrays, share=0.5),
    Target("paths of images", paths, check_paths),
]
