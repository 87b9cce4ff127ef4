"""Memory that the images of a training take, in bytes a pixel value.

    python tests/benchmarks/stream_memory.py

Each measurement is a process of its own that reads a few batches; the difference of two numbers of
images is printed, so what TensorFlow itself takes does not count.
"""

import subprocess
import sys
from pathlib import Path

SETTINGS = [("normalize", 224, (1000, 4000)), ("whiten", 32, (5000, 20000))]
MEASURE = """
import sys
sys.path.insert(0, sys.argv[1])
kind, side, n = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
import numpy as np, tensorflow as tf
from convstudy import generators
from convstudy.training import device, input_pipeline
images = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
own = {"normalize": {"width_shift": 0.1, "height_shift": 0.1}, "whiten": {}}[kind]
generator = generators.make(kind, own | {"horizontal_flip": True})
fitted = generator.fit(images[:64])
arrays = generator.training_arrays(images, fitted)
epochs = tf.data.Dataset.counter(0, 1)
stream = input_pipeline.training_stream(generator, fitted, arrays, np.zeros(n, int), 32, 0, epochs)
for _ in stream.take(20):
    pass
print(device.peak_memory_mib())
"""

if __name__ == "__main__":
    scripts = str(Path(__file__).parents[2] / "scripts")
    for kind, side, numbers in SETTINGS:
        peaks = [
            float(subprocess.check_output([sys.executable, "-c", MEASURE, scripts, kind, *rest]))
            for rest in ([str(side), str(n)] for n in numbers)
        ]
        values = (numbers[1] - numbers[0]) * side * side * 3
        print(f"{kind}, {side}x{side}: {(peaks[1] - peaks[0]) * 2**20 / values:.1f} bytes a value")
