"""OpenVINO, an engine made for inference."""

import tempfile

import keras
import numpy as np
import openvino

from engines import Size, rate

LIBRARIES = ("openvino",)


def extraction(computed_in: str, threads: int, size: Size) -> float:
    """Features of Keras's ResNet50."""
    network = keras.applications.ResNet50(
        weights=None, include_top=False, pooling="avg", input_shape=(size.side, size.side, 3)
    )
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, verbose=False)
        shape = [size.batch, size.side, size.side, 3]
        converted = openvino.convert_model(folder, input=shape)
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32" if computed_in == "float32" else "bf16",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.compile_model(converted, "CPU", options)
    images = size.large_images().astype(np.float32)

    def work() -> None:
        for start in range(0, len(images), size.batch):
            compiled(images[start : start + size.batch])

    return rate(work, len(images))
