"""Images a second that a data set is prepared with, search for duplicates and data table included.

    PYTHONPATH=scripts:tests/support python tests/benchmarks/prepare_data.py

Writes two archives of drawn JPEG files into a temporary folder, 15,000 of 32x32 and 700 of 640x480
that become 224x224, and prepares each five times on one core. Prints medians.
"""

import io
import statistics
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import reader_fixtures as fx
from PIL import Image

SETS = {"32x32": (15_000, (32, 32), 32), "640x480 to 224x224": (700, (640, 480), 224)}


def write(path: Path, count: int, size: tuple[int, int]) -> None:
    """An archive of smooth pictures of two classes."""
    rng = np.random.default_rng(0)
    grid = (size[1] // 16 + 2, size[0] // 16 + 2, 3)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            picture = Image.fromarray(rng.integers(0, 256, grid, dtype=np.uint8))
            stream = io.BytesIO()
            picture.resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
            archive.writestr(f"{'ab'[number % 2]}/{number}.jpg", stream.getvalue())


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, (count, size, side) in SETS.items():
            archive, output, seconds = folder / f"{side}.zip", folder / "d.h5", []
            write(archive, count, size)
            block = fx.block("image_folder", {"images": archive}, image_size=[side, side])
            for _ in range(5):
                start = time.process_time()
                fx.prepare(block, fx.outputs(output))
                seconds.append(time.process_time() - start)
            print(f"{name}: {count / statistics.median(seconds):,.0f} images a second")


if __name__ == "__main__":
    main()
