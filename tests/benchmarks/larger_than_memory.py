"""Memory and speed of every step on data that are more than a job may hold.

    PYTHONPATH=scripts:tests/support python tests/benchmarks/larger_than_memory.py

Draws 200,000 images of 32x32 and 20,000 of 224x224 into a temporary folder (set TMPDIR to a disk
with 12 GB of room) and takes each through the steps of a study, one process a step, with
`memory.data_mb: 250`. Prints the largest memory of each process (in MiB, TensorFlow's own
included) and images a second. Then the same network trains on images that are held and on those
that stay on the disk, some steps each in turn; the ratio is the median of the rounds. The last
lines are why chunks are small and read past HDF5. `--share 0.01` does all that with fewer images,
`--only 32` for one size.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from convstudy.study import training_settings  # noqa: E402

DATA_MB = 250
SETS = {32: 200_000, 224: 20_000}
STEPS = {
    32: [
        "prepare", "fit normalize", "features", "train normalize", "evaluate normalize",
        "fit whiten", "train whiten",
    ],
    224: ["prepare", "fit normalize", "features", "train normalize", "evaluate normalize"],
}  # fmt: skip
# from which images, as whitened ones take 8 bytes a value in memory
SPEEDS = {32: {"normalize": "train", "whiten": "validation"}, 224: {"normalize": "train"}}
ROUNDS, BATCHES = 8, {32: 60, 224: 6}
TRAINING = {
    "epochs": 1, "patience": None, "batch_size": 32, "learning_rate": 0.01, "optimizer": "SGD",
    "schedule": "time_decay", "loss": "cross_entropy",
}  # fmt: skip
training_settings.fill(TRAINING, "")


def draw(folder: Path, side: int, n: int) -> None:
    """Arrays of noise, brighter in half of the classes."""
    folder.mkdir()
    rng, labels = np.random.default_rng(side), np.arange(n) % 10
    shape = (n, side, side, 3)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, shape)
    for start in range(0, n, 1000):
        block = rng.integers(0, 200, (min(1000, n - start), *shape[1:]), dtype=np.uint8)
        bright = labels[start : start + 1000] % 2 == 1
        block[bright] += 50
        images[start : start + 1000] = block
    images.flush()
    np.save(folder / "labels.npy", labels)


def prepare(folder: Path, side: int) -> int:
    """Arrays to the HDF5 file."""
    import reader_fixtures as fx

    block = fx.block("arrays", {"arrays": folder / "arrays"}, image_size=[side, side])
    fx.prepare(block, fx.outputs(folder / "data.h5"))
    return len(np.load(folder / "arrays/labels.npy"))


def fit(folder: Path, kind: str) -> int:
    """What the step of a generator's statistics does."""
    from convstudy import generators
    from convstudy.data import hdf5, stored_rows

    rows = stored_rows.of_subsets(folder / "data.h5", ["train"], "images")
    images = stored_rows.held(rows, stored_rows.Memory(DATA_MB))
    hdf5.write_statistics(folder / f"{kind}.h5", generators.make(kind, {}).fit(images))
    return len(images)


def features(folder: Path, side: int) -> int:
    """Features of a small convolutional backbone."""
    import keras

    from convstudy.foundation import atomic_files
    from convstudy.networks import features, keras_file

    layers = keras.layers
    pixels = layers.Input((side, side, 3))
    maps = layers.Conv2D(16, 3, strides=2, activation="relu")(pixels)
    maps = layers.Conv2D(64, 3, strides=2, activation="relu")(maps)
    keras_file.save_model(keras.Model(pixels, maps), folder / "backbone.keras")
    out = [folder / "features.h5", folder / "features.json"]
    features.extract_features(folder / "data.h5", folder / "backbone.keras", *out)
    return atomic_files.read_json(out[1])["images"]


def run(folder: Path, kind: str) -> tuple[dict, dict, dict]:
    """Settings, inputs and outputs of a run."""
    generator = {"kind": kind, "options": {}}
    spec = {"kind": "base_net", "input": "images", "generator": generator, "training": TRAINING}
    inputs = {"data": folder / "data.h5", "initial_weights": folder / "start.keras"}
    endings = {"model": "keras", "history": "csv", "run": "json", "metrics": "m.json"}
    outputs = {key: folder / f"{kind}.{end}" for key, end in endings.items()}
    outputs |= {"predictions": folder / f"{kind}.p.h5"}
    return spec, inputs | {"statistics": folder / f"{kind}.h5"}, outputs


def train(folder: Path, kind: str) -> int:
    """One epoch of BaseNet."""
    from convstudy.foundation import atomic_files
    from convstudy.networks import initial_weights
    from convstudy.training import loop

    spec, inputs, outputs = run(folder, kind)
    start = spec | {"options": {}, "backbone": None}
    initial_weights.initialize(start, inputs["data"], None, inputs["initial_weights"])
    loop.train(spec, 0, inputs, outputs, {}, folder / f"{kind}-backups", "key", DATA_MB)
    return atomic_files.read_json(outputs["run"])["n_train"]


def evaluate(folder: Path, kind: str) -> int:
    """The predictions of the trained network for all images."""
    from convstudy.foundation import atomic_files
    from convstudy.training import evaluation

    spec, inputs, outputs = run(folder, kind)
    evaluation.evaluate(spec, {}, inputs | outputs, outputs, DATA_MB)
    found = atomic_files.read_json(outputs["metrics"])
    return sum(found[key] for key in ("n_train", "n_validation", "n_test"))


def speed(folder: Path, kind: str, side: int) -> dict[str, float]:
    """Images a second of a training from memory and from the disk, in turn, and their ratio."""
    import tensorflow as tf

    from convstudy.data import stored_rows
    from convstudy.networks import keras_file
    from convstudy.training import input_pipeline, loop

    spec, inputs, _ = run(folder, kind)
    generator, fitted = input_pipeline.preprocessing(spec, inputs["statistics"])
    rows, labels = stored_rows.of_subset(inputs["data"], SPEEDS[side][kind], "images")
    kept = stored_rows.held(
        rows, stored_rows.Memory(0), lambda x: generator.training_arrays(x, fitted)
    )
    rates, fed = {"memory": [], "disk": []}, {}
    for name, arrays in (("memory", kept[:]), ("disk", kept)):
        stream = input_pipeline.training_stream(
            generator, fitted, arrays, labels, 32, 0, tf.data.Dataset.counter(0, 1)
        )
        model = keras_file.load_model(inputs["initial_weights"], "base_net")
        fed[name] = (loop.compiled(model, TRAINING, BATCHES[side]), stream)
    for number in range(ROUNDS + 1):
        for name, (model, stream) in list(fed.items())[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            model.fit(stream, steps_per_epoch=BATCHES[side], shuffle=False, verbose=0)
            rates[name].append(32 * BATCHES[side] / (time.perf_counter() - start))
    pairs = list(zip(rates["disk"][1:], rates["memory"][1:], strict=True))  # the first one compiles
    medians = {name: statistics.median(found[1:]) for name, found in rates.items()}
    return medians | {"ratio": statistics.median(disk / held for disk, held in pairs)}


def chunks(folder: Path) -> None:
    """Milliseconds of a random batch of 32, by bytes a chunk, read past HDF5 and by it."""
    import h5py

    from convstudy.data import hdf5, hdf5_chunks, stored_rows

    for side, n in ((32, 20_000), (224, 1000)):
        images = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
        for size in (1, 16, 128, 4096):
            hdf5.CHUNK_BYTES, path = size * 1024, folder / "chunks.h5"
            with hdf5.create_hdf5(path, {}) as file:
                hdf5.write_array(file, "images", images)
            batches = np.random.default_rng(1).permutation(n)[:640].reshape(20, 32)
            rows, took = stored_rows.StoredRows(hdf5_chunks.Chunks(path, "images")), []
            with h5py.File(path) as file:
                for read in (rows.__getitem__, lambda x: file["images"][np.sort(x)]):
                    start = time.process_time()
                    for batch in batches:
                        read(batch)
                    took.append((time.process_time() - start) * 1000 / len(batches))
            number = rows._arrays[0].rows
            print(f"{side}x{side}, {number} a chunk: {took[0]:.1f} ms, by HDF5 {took[1]:.1f} ms")


def one_step(step: str, folder: Path, side: int) -> dict[str, float]:
    """Do a step in this process, and say what it took."""
    name, *kind = step.split()
    if name not in ("prepare", "fit"):  # which need no TensorFlow
        from convstudy.training import device

        device.set_up_tensorflow(1, 0)
    if name == "speed":
        return speed(folder, *kind, side)
    start = time.perf_counter()
    count = globals()[name](folder, *(kind or [side]))
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return {"images": count, "per_second": count / seconds, "peak": peak}


def in_a_process(step: str, folder: Path, side: int) -> dict[str, float]:
    """What `one_step` says in a process of its own."""
    command = [sys.executable, __file__, "--step", step, "--folder", folder, "--side", str(side)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the images")
    parser.add_argument("--only", type=int, choices=SETS, help="of the sizes")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(one_step(asked.step, asked.folder, asked.side)))
        return
    for side in [asked.only] if asked.only else SETS:
        with tempfile.TemporaryDirectory() as temporary:
            folder, n = Path(temporary), int(SETS[side] * asked.share)
            draw(folder / "arrays", side, n)
            for step in STEPS[side]:
                found = in_a_process(step, folder, side)
                print(
                    f"{n:,} of {side}x{side}: {step}: {found['peak']:,.0f} MiB, "
                    f"{found['per_second']:,.0f} images a second",
                    flush=True,
                )
            for kind in SPEEDS[side]:
                found = in_a_process(f"speed {kind}", folder, side)
                print(
                    f"{n:,} of {side}x{side}: training, {kind}: {found['disk']:,.0f} images a "
                    f"second from the disk, {found['memory']:,.0f} from memory, "
                    f"ratio {found['ratio']:.2f}",
                    flush=True,
                )
    with tempfile.TemporaryDirectory() as temporary:
        chunks(Path(temporary))


if __name__ == "__main__":
    main()
