"""What each step of augmentation costs: an epoch of the improved net, and a stream of 224 x 224.

    python tests/benchmarks/augmentation.py [rounds] [batches]

One thread, deterministic operations, batches of 32. Every step trains the improved net on images of
32 x 32 in turn with plain preprocessing (an empty list), and its epoch is divided by the plain one
of the same round; the medians of the rounds are printed. `wall` is what one waits for, with the
stream a batch ahead; `processor` the time of all threads, which holds on a busy machine, too.
Beside them stand the milliseconds of an image of 224 x 224 in the stream alone, and in a training
step of ResNet50.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import keras
import numpy as np
import tensorflow as tf

from convstudy import generators, models
from convstudy.foundation import plugin_files
from convstudy.generators import Generator
from convstudy.study import training_settings
from convstudy.training import augmented, input_pipeline, loop

BATCH, CLASSES = 32, 25
PLAIN = "plain"


def lists() -> dict[str, list[dict]]:
    """The lists that are measured: nothing, each step alone, and geometry in a row."""
    kinds = plugin_files.names("augmentation")
    geometry = ["shift", "rotation", "zoom"]
    found = {PLAIN: []} | {kind: [kind] for kind in kinds} | {" + ".join(geometry): geometry}
    return {
        name: [{"kind": kind, "options": {}} for kind in steps] for name, steps in found.items()
    }


def images_of(n: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels."""
    images = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    return images, np.arange(n, dtype=np.int32) % CLASSES


def stream_of(steps: list[dict], plain: Generator, images, labels) -> tf.data.Dataset:
    """What trains, epoch after epoch."""
    fitted = plain.fit(images)
    generator = augmented.of({"augmentation": steps}, plain, CLASSES)
    arrays = generator.training_arrays(images, fitted)
    epochs = tf.data.Dataset.counter(0, 1)
    stream = input_pipeline.training_stream(generator, fitted, arrays, labels, BATCH, 0, epochs)
    return stream


def network_of(mixed: bool, batches: int) -> keras.Model:
    """The improved net, compiled for numbers or rows as labels."""
    rates = {"learning_rate": 0.01, "epochs": 1}
    rates |= {"optimizer": "SGD", "schedule": "time_decay", "loss": "cross_entropy"}
    training_settings.fill(rates, "")
    network = models.build("improved_net", (32, 32, 3), CLASSES, {"batch_norm": "before"})
    return loop.compiled(network, rates, batches, mixed)


def epochs_of(rounds: int, batches: int) -> dict[str, tuple[float, float]]:
    """Wall and processor time of an epoch by list, in parts of the plain one."""
    data, every = images_of(BATCH * batches, 32), lists()
    networks = {mixed: network_of(mixed, batches) for mixed in (False, True)}
    streams = {
        name: stream_of(steps, generators.make("normalize", {}), *data)
        for name, steps in every.items()
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in every}
    for number in range(rounds + 1):
        for name, stream in streams.items():
            network = networks[augmented.mixes_labels({"augmentation": every[name]})]
            start = time.perf_counter(), time.process_time()
            # a stream that were left open would read ahead in another one's time
            for images, labels in stream.take(batches if number else 2):
                network.train_on_batch(images, labels)
            end = time.perf_counter(), time.process_time()
            if number:  # the first round builds the graphs
                found[name].append((end[0] - start[0], end[1] - start[1]))
    plain = found[PLAIN]
    return {
        name: tuple(
            statistics.median(one[k] / of[k] for one, of in zip(times, plain, strict=True))
            for k in (0, 1)
        )
        for name, times in found.items()
    }


def stream_costs(rounds: int) -> dict[str, float]:
    """Milliseconds of an image of 224 x 224 by list, on the processor."""
    data, found = images_of(2 * BATCH, 224), {}
    for name, steps in lists().items():
        stream, times = stream_of(steps, generators.make("none", {}), *data), []
        for _ in range(rounds + 1):
            start = time.process_time()
            for _ in stream.take(2):
                pass
            times.append(1000 * (time.process_time() - start) / (2 * BATCH))
        found[name] = statistics.median(times[1:])
    return found


def resnet_cost(batch: int = 8) -> float:
    """Milliseconds of an image of 224 x 224 in a training step of ResNet50, on the processor."""
    images, labels = images_of(batch, 224)
    network = keras.Sequential(
        [keras.applications.ResNet50(weights=None, include_top=False, pooling="avg"),
         keras.layers.Dense(CLASSES, activation="softmax")]
    )  # fmt: skip
    network.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    times = []
    for _ in range(3):
        start = time.process_time()
        network.train_on_batch(images.astype(np.float32), labels)
        times.append(time.process_time() - start)
    return 1000 * min(times) / batch


def main() -> None:
    """Print a line a list."""
    rounds, batches = (int(x) for x in [*sys.argv[1:], *("5", "40")[len(sys.argv) - 1 :]])
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    print(f"{'step':24} wall  processor")
    for name, (wall, processor) in epochs_of(rounds, batches).items():
        print(f"{name:24} {wall:4.2f}  {processor:9.2f}", flush=True)
    print(f"\n{'step':24} milliseconds of an image of 224 x 224")
    for name, milliseconds in stream_costs(rounds).items():
        print(f"{name:24} {milliseconds:8.2f}", flush=True)
    print(f"{'step of ResNet50':24} {resnet_cost():8.2f}")


if __name__ == "__main__":
    main()
