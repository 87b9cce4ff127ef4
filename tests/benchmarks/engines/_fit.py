"""What two engines share: epochs of Keras's `fit`, timed."""

import statistics
import time
from typing import Any

import keras


class Times(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Stop it."""
        self.seconds.append(time.perf_counter() - self.start)


def timed_fit(network: keras.Model, data: Any, images: int, epochs: int = 4, **options) -> float:
    """Images a second of the median of all epochs but the first, which builds graphs."""
    times = Times()
    network.fit(data, epochs=epochs, verbose=0, callbacks=[times], **options)
    return images / statistics.median(times.seconds[1:])
