"""What equal and near-equal images are recognized by, a few bytes an image.

An image is shrunk to a grey thumbnail of 32 x 32 pixels. Its perceptual hash is pHash (Zauner 2010,
in the form of the library ImageHash): of the thumbnail's cosine transform the 8 x 8 lowest
frequencies, each a bit that tells whether it is above their median. Computed for many thumbnails at
a time, it costs a fiftieth of a call of that library an image.
"""

import hashlib

import numpy as np
from PIL import Image

SIDE = 32  # of a thumbnail
FREQUENCIES = 8
# Standard deviation of the thumbnail's grey values (0-255), from which on the hash tells images
# apart: below are blank images and single things before an even sky, alike by chance.
TEXTURE = 20
_AT_A_TIME = 256
# The lowest rows of the discrete cosine transform (DCT-II), not normalized.
_WAVES = np.cos(
    np.pi / SIDE * np.outer(np.arange(FREQUENCIES), np.arange(SIDE) + 0.5)
).astype(np.float32)  # fmt: skip


class Fingerprints:
    """Fingerprints of images, by their number in the source.

    Attributes:
        keys: uint64 (n,), equal for images of equal pixels, and for few others.
        hashes: uint64 (n,), the perceptual hash.
        textured: bool (n,), whether the perceptual hash tells the image from others.
        known: bool (n,), whether the image was added.
    """

    def __init__(self, count: int) -> None:
        self.keys = np.zeros(count, np.uint64)
        self.hashes = np.zeros(count, np.uint64)
        self.textured = np.zeros(count, bool)
        self.known = np.zeros(count, bool)
        self._thumbnails = np.empty((_AT_A_TIME, SIDE * SIDE), np.uint8)
        self._waiting: list[int] = []

    def add(self, index: int, image: Image.Image) -> None:
        """Take the fingerprint of an image at the size that it has; `finish` after the last."""
        grey = image.convert("L")
        small = grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=1.0).tobytes()
        key = hashlib.blake2b(small, digest_size=8, salt=b"%d,%d" % image.size).digest()
        self.keys[index] = int.from_bytes(key, "big")
        self.known[index] = True
        self._thumbnails[len(self._waiting)] = np.frombuffer(small, np.uint8)
        self._waiting.append(index)
        if len(self._waiting) == _AT_A_TIME:
            self.finish()

    def finish(self) -> None:
        """Compute the hashes of the thumbnails that wait for it."""
        if self._waiting:
            thumbnails = self._thumbnails[: len(self._waiting)].reshape(-1, SIDE, SIDE)
            found = perceptual_hashes(thumbnails)
            self.hashes[self._waiting], self.textured[self._waiting] = found
            self._waiting = []


def perceptual_hashes(thumbnails: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pHash of grey thumbnails (n, 32, 32) in 0-255.

    Returns:
        The hashes, uint64 (n,), and bool (n,), whether they tell the image from others.
    """
    count, grey = len(thumbnails), thumbnails.astype(np.float32)
    waves = (_WAVES @ grey @ _WAVES.T).reshape(count, -1)
    bits = waves > np.median(waves, axis=1, keepdims=True)
    hashes = np.packbits(bits, axis=1).view(">u8").astype(np.uint64)[:, 0]
    mean = waves[:, 0] / SIDE**2
    variance = np.einsum("nij,nij->n", grey, grey) / SIDE**2 - mean**2
    return hashes, variance >= TEXTURE**2


def of_pixels(image: Image.Image) -> bytes:
    """The SHA-256 of an image's pixels, with its mode and size."""
    digest = hashlib.sha256(f"{image.mode} {image.size}".encode())
    digest.update(image.tobytes())
    return digest.digest()
