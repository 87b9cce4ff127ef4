"""Packs: a large data set's images as they are stored, dealt into files for jobs beside each other.

Each image goes by its name, so an image that is changed, added or removed is one of its own pack,
and the others keep their bytes. A pack is a ZIP archive without compression, which has a checksum
of each image: in the order of the source `{number}.file` (its bytes), `{number}.npy` (its pixels,
where there is no file) or `{number}.bad` (why it cannot be opened); and `about.json`, their number
and form.
Beside the packs lies the listing, a JSON file of all else that is known of the images.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data import originals
from convstudy.data.stored_images import Progress
from convstudy.decoding import images
from convstudy.foundation import atomic_files
from convstudy.readers import Source

ABOUT = "about.json"


@dataclasses.dataclass(frozen=True)
class Listing:
    """What is known of the images before they are decoded.

    Attributes:
        source: what the reader found; its `image` gives none, for the packs have them.
        chosen: labels that are taken; the packs have the images of these.
        form: what the images are brought to.
        where: the file or folder that messages name.
        digests: SHA-256 of each given file or folder, by the reader's name of it.
    """

    source: Source
    chosen: list[int]
    form: images.Form
    where: str
    digests: dict[str, str]

    @property
    def rows(self) -> np.ndarray:
        """Numbers (n,) of the images that are taken."""
        return np.flatnonzero(np.isin(self.source.labels, self.chosen))


def pack_of(name: str, count: int) -> int:
    """The number of the pack, 0 to count - 1, that an image of this name goes into."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count


def write(listing: Listing, listing_file: Path, packs: Sequence[Path]) -> None:
    """Write the listing, and the stored images into their packs; memory holds one at a time."""
    source = listing.source
    rows = listing.rows.tolist()
    progress = Progress(len(rows), "dealt: ")
    with contextlib.ExitStack() as opened:
        writers = [opened.enter_context(_new_pack(path, listing.form)) for path in packs]
        for row in rows:
            pack = writers[pack_of(source.names[row], len(packs))]
            ending, content = _stored(source, row)
            _add(pack, f"{len(pack.infolist())}.{ending}", content)
            progress.step()
    kept = dataclasses.asdict(dataclasses.replace(source, image=None)) | {
        "labels": np.asarray(source.labels).tolist()
    }
    others = {"chosen": listing.chosen, "where": listing.where, "digests": listing.digests}
    atomic_files.write_json(
        listing_file, {"source": kept, "form": _form_values(listing.form), **others}
    )


def read_listing(path: Path) -> Listing:
    """Read what `write` wrote.

    Raises:
        UserError: the file is damaged.
    """
    found = atomic_files.read_json(path)
    try:
        source = Source(**found["source"] | {"labels": np.array(found["source"]["labels"], int)})
        form = images.Form.of(found["form"])
        return Listing(source, found["chosen"], form, found["where"], found["digests"])
    except (KeyError, TypeError, ValueError) as error:
        raise atomic_files.damaged(path, error) from error


def _form_values(form: images.Form) -> dict[str, Any]:
    return form.recorded() | {"image_size": list(form.size)}


@contextlib.contextmanager
def _new_pack(path: Path, form: images.Form) -> Iterator[zipfile.ZipFile]:
    with atomic_files.whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as pack:
        yield pack
        about = {"form": _form_values(form), "images": len(pack.infolist())}
        _add(pack, ABOUT, json.dumps(about, sort_keys=True).encode())


def _add(pack: zipfile.ZipFile, name: str, content: bytes) -> None:
    pack.writestr(zipfile.ZipInfo(name), content)  # of no date, so that equal content is equal


def _stored(source: Source, row: int) -> tuple[str, bytes]:
    """The ending in a pack of a stored image, and its content there."""
    try:
        with originals.opened(source.image(row)) as stored:
            if not isinstance(stored, np.ndarray):
                return "file", stored.read()
            buffer = io.BytesIO()
            np.save(buffer, stored, allow_pickle=False)
            return "npy", buffer.getvalue()
    except images.UnreadableImage as error:
        return "bad", error.reason.encode()
    except OSError as error:
        return "bad", (error.strerror or str(error)).encode()


class Pack:
    """A pack that is open for reading.

    Attributes:
        form: what its images are to be brought to.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        # Entries, not names: the name of an entry is held against that before its content.
        *self._entries, last = archive.infolist()
        about = json.loads(self._content(last))
        numbers = [entry.filename.partition(".")[0] for entry in self._entries]
        if numbers != list(map(str, range(about["images"]))):
            raise ValueError(f"it has {len(numbers)} images, expected {about['images']}")
        self.form = images.Form.of(about["form"])

    def __len__(self) -> int:
        """How many images it has."""
        return len(self._entries)

    def decoded(self, number: int) -> images.Decoded:
        """Decode one image.

        Raises:
            UnreadableImage: it cannot be decoded, or could not be opened when the pack was made.
            UserError: the pack is damaged.
        """
        entry = self._entries[number]
        name, content = entry.filename, self._content(entry)
        if name.endswith(".bad"):
            raise images.UnreadableImage(name, content.decode())
        stored = io.BytesIO(content)
        if name.endswith(".npy"):
            stored = np.load(stored, allow_pickle=False)
        return images.decode(stored, self.form, name)

    def _content(self, entry: zipfile.ZipInfo) -> bytes:
        with _naming_damage(self._path):
            return self._archive.read(entry)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Pack]:
    """Open a pack for reading.

    Raises:
        UserError: it is missing or damaged; it need not show before the image is read.
    """
    with _naming_damage(path):
        archive = zipfile.ZipFile(path)
    with archive:
        with _naming_damage(path):
            pack = Pack(path, archive)
        yield pack


@contextlib.contextmanager
def _naming_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # zipfile lets many types escape on a damaged file
        raise atomic_files.damaged(path, error) from error


def described(decoded: images.Decoded) -> str:
    """All that is known of a decoded image but its pixels, as a line of JSON."""
    about: Mapping[str, Any] = vars(decoded) | {"image": None}
    return json.dumps(about, sort_keys=True)
