"""How many changed images the search for near duplicates finds again, and a sheet of its pairs.

    PYTHONPATH=scripts python tests/benchmarks/near_duplicates.py results/data/NAME.h5 pairs.png

Of 600 images that are drawn at random each is changed in several ways; the share whose hash stays
within the distance is printed. The sheet shows the near pairs of all images, to be judged by eye.
"""

import io
import sys

import numpy as np
from PIL import Image, ImageEnhance

from convstudy.data import duplicates, fingerprints, hdf5

SIDE, COLUMNS = 64, 8


def stored_again(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def cropped(image, share):
    box = (int(image.width * share), int(image.height * share), image.width, image.height)
    return image.crop(box).resize(image.size)


CHANGES = {
    "JPEG, quality 75": lambda image: stored_again(image, 75),
    "JPEG, quality 30": lambda image: stored_again(image, 30),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "double the size": lambda image: image.resize((image.width * 2, image.height * 2)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "contrast x 0.7": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "brightness x 1.3": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "1/32 cut off two sides": lambda image: cropped(image, 1 / 32),
    "1/16 cut off two sides": lambda image: cropped(image, 1 / 16),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def prints_of(images):
    prints = fingerprints.Fingerprints(len(images))
    for index, image in enumerate(images):
        prints.add(index, image if isinstance(image, Image.Image) else Image.fromarray(image))
    prints.finish()
    return prints


def main(path, sheet_path):
    images = np.concatenate([hdf5.read_subset(path, x, ("images",))[0] for x in hdf5.SUBSETS])
    prints = prints_of(images)
    some = np.random.default_rng(0).choice(len(images), min(600, len(images)), replace=False)
    for words, change in CHANGES.items():
        changed = prints_of([change(Image.fromarray(images[index])) for index in some])
        differ = np.bitwise_count(prints.hashes[some] ^ changed.hashes)
        print(f"{words:24} {100 * (differ <= duplicates.DISTANCE).mean():5.1f} % found")
    rows = np.flatnonzero(prints.textured)
    pairs, distances, _ = duplicates.near_pairs(prints.hashes[rows])
    print(f"{len(images)} images, {len(images) - len(rows)} too plain; pairs by distance:")
    print({int(x): int((distances == x).sum()) for x in np.unique(distances)})
    sheet = Image.new("RGB", (COLUMNS * (2 * SIDE + 8), -(-len(pairs) // COLUMNS) * (SIDE + 4)))
    for place, pair in enumerate(rows[pairs]):
        corner = (place % COLUMNS * (2 * SIDE + 8), place // COLUMNS * (SIDE + 4))
        for number, index in enumerate(pair):
            picture = Image.fromarray(images[index]).resize((SIDE, SIDE))
            sheet.paste(picture, (corner[0] + number * SIDE, corner[1]))
    sheet.save(sheet_path)


if __name__ == "__main__":
    main(*sys.argv[1:3])
