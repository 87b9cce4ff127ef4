"""What determinism and the number of threads cost: images a second of the improved network.

    python tests/benchmarks/determinism.py

Each setting trains in a process of its own, three times in turn; the median is printed, with the
digest of the weights, which shows what the bits depend on.
"""

import statistics
import subprocess
import sys
from pathlib import Path

SETTINGS = [(True, 1), (False, 1), (True, 2), (False, 2)]
ROUNDS, BATCH, STEPS = 3, 32, 100
MEASURE = """
import sys, time
sys.path.insert(0, sys.argv[1])
deterministic, threads, batch, steps = (int(x) for x in sys.argv[2:])
import keras, numpy as np, tensorflow as tf
from convstudy import generators, models
from convstudy.foundation import digests
from convstudy.study import training_settings
from convstudy.training import input_pipeline, loop
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
if deterministic:
    tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(0)
images = np.random.default_rng(0).integers(0, 256, (batch * steps, 32, 32, 3), dtype=np.uint8)
labels = np.arange(len(images), dtype=np.int32) % 25
options = {"width_shift": 0.1, "height_shift": 0.1, "horizontal_flip": True}
generator = generators.make("normalize", options)
fitted = generator.fit(images)
arrays = generator.training_arrays(images, fitted)
epochs = tf.data.Dataset.counter(0, 1)
stream = input_pipeline.training_stream(generator, fitted, arrays, labels, batch, 0, epochs)
network = models.build("improved_net", (32, 32, 3), 25, {"batch_norm": "before"})
rates = {"learning_rate": 0.01, "epochs": 1}
rates |= {"optimizer": "SGD", "schedule": "time_decay", "loss": "cross_entropy"}
training_settings.fill(rates, "")
loop.compiled(network, rates, steps).fit(stream, steps_per_epoch=20, verbose=0)
start = time.perf_counter()
network.fit(stream, steps_per_epoch=steps, verbose=0)
rate = batch * steps / (time.perf_counter() - start)
weights = b"".join(value.tobytes() for value in network.get_weights())
print(rate, digests.of_text(weights.hex())[:8])
"""


def measure(deterministic: bool, threads: int) -> tuple[float, str]:
    """Images a second, and a digest of the weights."""
    scripts = str(Path(__file__).resolve().parents[2] / "scripts")
    arguments = [scripts, str(int(deterministic)), str(threads), str(BATCH), str(STEPS)]
    command = [sys.executable, "-c", MEASURE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rate, digest = done.stdout.split()
    return float(rate), digest


def main() -> None:
    """Print a line a setting."""
    found = {setting: [] for setting in SETTINGS}
    for _ in range(ROUNDS):
        for setting in SETTINGS:
            found[setting].append(measure(*setting))
    print("deterministic  threads  images/s  weights")
    for (deterministic, threads), results in found.items():
        rate = statistics.median(rate for rate, _ in results)
        bits = " ".join(sorted({digest for _, digest in results}))
        print(f"{'yes' if deterministic else 'no':<13}  {threads:<7}  {rate:<8.0f}  {bits}")


if __name__ == "__main__":
    main()
