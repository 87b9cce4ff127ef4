"""Classes of new images: files in, a table of the most probable classes out."""

import csv
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convstudy.decoding.images import ENDINGS, Form, is_image_name, load_image
from convstudy.foundation import atomic_files, folder_digests
from convstudy.foundation.errors import UserError

if TYPE_CHECKING:  # it brings TensorFlow, which is not needed to find images
    from convstudy.export.exported_network import Deployed

BATCH = 32
Named = tuple[str, Path]


def find_images(path: Path) -> tuple[list[Named], list[str]]:
    """Find an image, or all images beneath a folder.

    Returns:
        (name relative to the folder, path) of each image, sorted by name; and the names of the
        other files and of links that cannot be followed. System files are in neither.

    Raises:
        UserError: there is no image.
    """
    if path.is_file():
        return [(path.name, path)], []
    if not path.is_dir():
        raise UserError(f"{path}: there is no such file or folder; expected images to classify")
    found = folder_digests.listing(path)
    images = [entry for entry in found.files if is_image_name(entry[0])]
    if not images:
        raise UserError(f"{path}: holds no images, expected files that end in {', '.join(ENDINGS)}")
    others = [name for name, _ in found.files if not is_image_name(name)]
    return images, others + [name for name, _ in found.left_out]


def classify(
    network: "Deployed",
    images: Iterable[Named],
    output: Path,
    top: int,
    skipped: list[str] | None = None,
) -> int:
    """Write the `top` most probable classes of each image; return the number of images.

    Columns: `image`, `class_1`, `probability_1`, `class_2`, ... No more than a batch of images is
    in memory. The file appears when it is whole.

    Args:
        network: the network and its class names.
        images: (name, path) of each image.
        output: CSV file to write.
        top: how many classes; at most all.
        skipped: where the messages of images go that cannot be read; None makes the first of them
            an error.

    Raises:
        UserError: an image cannot be read, or none can.
    """
    names = network.about["class_names"]
    top = min(top, len(names))
    header = ["image"] + [
        f"{x}_{rank + 1}" for rank in range(top) for x in ("class", "probability")
    ]
    count = 0
    with atomic_files.whole_file(output) as temporary:
        # A file name need not be text: what is none is written as \udc.., so that the table is.
        with open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            table = csv.writer(file)
            table.writerow(header)
            for name, probabilities in _predict(network, images, skipped):
                best = np.argsort(-probabilities, kind="stable")[:top]
                cells = [cell for k in best for cell in (names[k], f"{probabilities[k]:.6g}")]
                table.writerow([name, *cells])
                count += 1
        if not count:
            raise UserError(f"{output}: not written, for no image could be read: {skipped[0]}")
    return count


def _predict(
    network: "Deployed", images: Iterable[Named], skipped: list[str] | None
) -> Iterator[tuple[str, np.ndarray]]:
    """The name and the probabilities (classes,) of each image that can be read."""
    pixels = _decoded(images, Form.of(network.about), skipped)
    while batch := list(itertools.islice(pixels, BATCH)):
        probabilities = network.model.predict_on_batch(np.stack([image for _, image in batch]))
        yield from zip((name for name, _ in batch), probabilities, strict=True)


def _decoded(
    images: Iterable[Named], form: Form, skipped: list[str] | None
) -> Iterator[tuple[str, np.ndarray]]:
    """The name and the pixels (height, width, channels) of each image that can be read."""
    for name, path in images:
        try:
            yield name, load_image(path, form, str(path))
        except UserError as error:
            if skipped is None:
                raise UserError(f"{error} Or pass --skip-unreadable.") from error
            skipped.append(str(error))
