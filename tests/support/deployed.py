"""A small study whose runs are finished, as the workflow leaves them, in a folder of its own."""

import json
import os

import keras
import numpy as np

from convstudy import generators
from convstudy.data import hdf5
from convstudy.foundation import digests
from convstudy.networks import backbones, features, initial_weights, keras_file
from convstudy.provenance import code_digests, records
from convstudy.study import training_settings
from convstudy.training import evaluation, loop

SIZE = (16, 16)
SETTINGS = {
    "batch_size": 32,
    "learning_rate": 0.01,
    "optimizer": "SGD",
    "schedule": "time_decay",
    "loss": "cross_entropy",
    "epochs": 2,
    "patience": None,
}
training_settings.fill(SETTINGS, "")
DATA = "results/data/demo_objects.h5"
BACKBONE = "results/backbones/demo_objects/small.keras"
FEATURES = "results/features/demo_objects/small.h5"
COSTS = FEATURES.replace(".h5", ".json")
# variant: kind of the model, its input, generator
VARIANTS = {
    "base_net": ("base_net", "images", "none"),
    "improved_net": ("improved_net", "images", "normalize"),
    "base_net_whiten": ("base_net", "images", "whiten"),
    "features": ("feature_head", "features", None),
    "finetune": ("fine_tuning", "backbone", "none"),
}


def run_of(variant):
    return f"results/runs/demo_objects/{variant}/seed0"


def make():
    """Fill `results/` of the current folder; more training images than pixels, to whiten well."""
    rng = np.random.default_rng(0)
    classes = ["dark, grey", "bright", "red"]
    with hdf5.create_hdf5(folder_of(DATA), {"class_names": classes}) as file:
        for subset, n in (("train", 800), ("validation", 20), ("test", 40)):
            labels = np.arange(n, dtype=np.int32) % 3
            light = np.array([[0, 0, 0], [60, 60, 60], [80, 0, 20]])[labels]
            images = rng.integers(0, 170, (n, *SIZE, 3)) + light[:, None, None]
            hdf5.write_array(file.create_group(subset), "images", images.astype(np.uint8))
            hdf5.write_array(file[subset], "labels", labels)
    keras.utils.set_random_seed(0)
    pixels = keras.layers.Input((*SIZE, 3))
    values = keras.layers.Rescaling(1 / 20, offset=-6)(pixels)
    values = keras.layers.Conv2D(8, 5, strides=2, activation="relu")(values)
    values = keras.layers.BatchNormalization()(values)
    keras.Model(pixels, values).save("file.keras")
    spec = {"application": None, "file": "file.keras", "any_size": False, "cut": None}
    backbone = backbones.build(spec, SIZE, "file.keras")
    keras_file.save_model(backbone, folder_of(BACKBONE))
    features.extract_features(DATA, BACKBONE, folder_of(FEATURES), COSTS)
    keep("extract_features", {}, [DATA, BACKBONE], [FEATURES])
    for variant in VARIANTS:
        make_run(variant)


def make_run(variant):
    kind, takes, generator = VARIANTS[variant]
    spec = {"kind": kind, "input": takes, "training": SETTINGS}
    spec["generator"] = generator and {"kind": generator, "options": {}}
    inputs = {"data": FEATURES if takes == "features" else DATA}
    if generator in ("normalize", "whiten"):
        inputs["statistics"] = f"results/preprocessing/demo_objects/{generator}.h5"
        (images,) = hdf5.read_subset(DATA, "train", ("images",))
        statistics = generators.make(generator, {}).fit(images)
        hdf5.write_statistics(folder_of(inputs["statistics"]), statistics)
    start = {"kind": kind, "options": {}, "input": takes}
    start["backbone"] = {"weights": "imagenet"} if takes == "backbone" else None
    inputs["initial_weights"] = f"results/initial_weights/{variant}.keras"
    keras.utils.set_random_seed(0)
    initial_weights.initialize(
        start, inputs["data"], BACKBONE, folder_of(inputs["initial_weights"])
    )
    folder = run_of(variant)
    trained = {"model": f"{folder}/model.keras", "history": f"{folder}/history.csv"}
    trained["run"] = f"{folder}/run.json"
    provenance = {
        "data": digests.of_file(DATA),
        "code": "c",
        "versions": records.versions(code_digests.of("train_model.py").libraries),
    }
    loop.train(spec, 0, inputs, trained, provenance, f"{folder}/backups", "key")
    keep("train_model", spec, inputs.values(), trained.values())
    names = {"dataset": "demo_objects", "variant": variant, "seed": 0, "model": kind}
    names |= {"generator": generator or "none", "backbone": None}
    outputs = {"metrics": f"{folder}/metrics.json", "predictions": f"{folder}/predictions.h5"}
    given = inputs | trained | ({"costs": COSTS} if takes == "features" else {})
    evaluation.evaluate(spec, names, given, outputs)
    keep("evaluate_model", spec, [*inputs.values(), trained["model"]], outputs.values())


def keep(rule, spec, inputs, outputs):
    """Write the record of a step that is done."""
    entries = [{"path": path, "sha256": digests.of_file(path)} for path in inputs]
    record = {"rule": rule, "params": {"spec": json.dumps(spec)}, "inputs": entries}
    records.write(records.finished(record, list(outputs)))


def folder_of(path):
    """The path, whose folder is there."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path
