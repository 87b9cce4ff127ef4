"""Shards: decoded packs (see `packs`), each a job of its own, and a data set's images out of them.

A shard is an HDF5 file with a row for each image of its pack: `images` uint8 (m, height, width,
channels) in the data set's form, `reasons` (why an image cannot be read; empty where it can),
`abouts` (all else that is known of the stored image, as JSON) and `about` (which of them is the
image's), `digests` (SHA-256 of its pixels as stored) and its fingerprints: `keys`, `hashes` and
`textured`.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstudy.data import fingerprints, hdf5, packs, stored_rows
from convstudy.data.hdf5_chunks import Chunks
from convstudy.data.stored_images import Progress, StoredImages
from convstudy.decoding import images
from convstudy.decoding.images import Decoded
from convstudy.foundation import atomic_files

DIGEST_BYTES = 32
PRINTS = ("keys", "hashes", "textured")
OTHERS = ("digests", "about", "reasons", "abouts")


def decode(pack_file: Path, shard_file: Path) -> None:
    """Decode a pack; memory holds a block of images at a time.

    Raises:
        UserError: the pack is damaged, or the disk is full.
    """
    with packs.opened(pack_file) as pack, hdf5.create_hdf5(shard_file, {}) as file:
        form, count = pack.form, len(pack)
        prints, progress = fingerprints.Fingerprints(count), Progress(count)
        digests = np.zeros((count, DIGEST_BYTES), np.uint8)
        reasons, about, abouts = [""] * count, np.zeros(count, np.int32), {}
        array = hdf5.create_array(file, "images", (count, *form.size, form.channels), np.uint8)
        step = hdf5.rows_at_a_time(array)
        for start in range(0, count, step):
            block = np.zeros((min(step, count - start), *array.shape[1:]), np.uint8)
            for row in range(start, start + len(block)):
                progress.step()
                try:
                    decoded = pack.decoded(row)
                except images.UnreadableImage as error:
                    reasons[row] = error.reason
                    continue
                prints.add(row, decoded.image)
                digests[row] = np.frombuffer(fingerprints.of_pixels(decoded.image), np.uint8)
                about[row] = abouts.setdefault(packs.described(decoded), len(abouts))
                block[row - start] = images.fitted(decoded.image, form)
            array[start : start + len(block)] = block
        prints.finish()
        for name in PRINTS:
            hdf5.write_array(file, name, getattr(prints, name).astype(np.uint64))
        hdf5.write_array(file, "digests", digests)
        hdf5.write_array(file, "about", about)
        hdf5.write_names(file, "reasons", reasons)
        hdf5.write_names(file, "abouts", list(abouts))


class _Shard:
    """One shard, with its pixels on the disk, and the rest in memory."""

    def __init__(self, path: Path, count: int) -> None:
        with hdf5.open_hdf5(path) as file:
            found = {name: hdf5.array(file, name)[...] for name in (*PRINTS, *OTHERS)}
        self.prints = {name: found[name] for name in PRINTS}
        self.digests, self.about, reasons = (found[name] for name in OTHERS[:3])
        self._rows = stored_rows.StoredRows(Chunks(path, "images"))
        if {len(reasons), len(self._rows)} != {count}:
            raise atomic_files.damaged(path, f"it has {len(reasons)} images, expected {count}")
        self.reasons = {int(row): reasons[row].decode() for row in np.flatnonzero(reasons != b"")}
        self.abouts = [_as_decoded(text) for text in found["abouts"].tolist()]
        self._block, self._start = self._rows[:0], 0

    def pixels(self, row: int) -> np.ndarray:
        """One image; those of rising rows are read in blocks."""
        if not self._start <= row < self._start + len(self._block):
            self._start = row
            size = stored_rows.rows_in(hdf5.BLOCK_BYTES, self._rows)
            self._block = self._rows[row : row + size]
        return self._block[row - self._start]


def _as_decoded(text: bytes) -> Decoded:
    """What `packs.described` tells of an image, without its pixels."""
    found = json.loads(text)
    pairs = {key: found[key] and tuple(found[key]) for key in ("size", "values")}
    return Decoded(**found | pairs)


class ShardedImages(StoredImages):
    """The images of a source that lie decoded in shards."""

    def __init__(self, listing: packs.Listing, shard_files: Sequence[Path]) -> None:
        """Open the shards.

        Raises:
            UserError: a shard is damaged, or is not of this listing.
        """
        super().__init__(listing.source, listing.form, listing.where)
        count = len(listing.source.labels)
        self._shard, self._row = np.full(count, -1), np.full(count, -1)
        seen: Counter[int] = Counter()
        for index in listing.rows.tolist():
            number = packs.pack_of(listing.source.names[index], len(shard_files))
            self._shard[index], self._row[index] = number, seen[number]
            seen[number] += 1
        self._shards = [_Shard(path, seen[number]) for number, path in enumerate(shard_files)]
        for number, shard in enumerate(self._shards):
            own = np.flatnonzero(self._shard == number)
            rows = self._row[own]
            for name in PRINTS:
                getattr(self.prints, name)[own] = shard.prints[name][rows]

    def digest(self, index: int) -> bytes:
        """The digest of an image's pixels."""
        return self._shards[self._shard[index]].digests[self._row[index]].tobytes()

    def _decoded(self, index: int) -> Decoded | None:
        shard, row = self._shards[self._shard[index]], int(self._row[index])
        if row in shard.reasons:
            self.unreadable[index] = shard.reasons[row]
            return None
        self.prints.known[index] = True
        return shard.abouts[shard.about[row]]

    def _fitted(self, index: int, decoded: Decoded) -> np.ndarray:
        return self._shards[self._shard[index]].pixels(int(self._row[index]))
