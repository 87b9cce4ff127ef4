"""Many training steps for one call from Python.

Keras's `fit` calls TensorFlow once a step. For a small network the way there and back is a good
part of it, so here the steps of an epoch run in a loop of the graph. They are Keras's own steps on
the same batches in the same order, and end on the same bits.
"""

import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# A signal from outside, as of Ctrl-C, is answered between two calls, in so many seconds.
LONGEST = 0.5


def put_into(model: keras.Model, steps: int, validation_steps: int) -> None:
    """Let `fit` run each epoch in few calls.

    It tells callbacks of an epoch's end, as before, and no longer of each batch.

    Args:
        model: compiled, and not trained yet in this process.
        steps: how many an epoch has, at least 1.
        validation_steps: how many its validation has, at least 1.
    """
    model.steps_per_execution = max(steps, validation_steps)  # so `fit` asks for a whole epoch
    model.train_function = _epoch(model.train_step, steps)
    model.test_function = _epoch(model.test_step, validation_steps)


def _epoch(step: Callable, steps: int) -> Callable[[tf.data.Iterator], dict[str, tf.Tensor]]:
    """A function of an iterator that takes so many steps and returns the last one's figures."""
    several, at_once = _several(step), 1

    def epoch(iterator: tf.data.Iterator) -> dict[str, tf.Tensor]:
        nonlocal at_once
        done = 0
        while done < steps:
            number = min(at_once, steps - done)
            began = time.monotonic()
            figures = several(iterator, tf.constant(number))
            float(figures["loss"])  # a GPU may still be at it
            done += number
            if time.monotonic() - began < LONGEST / 2:
                at_once = max(at_once, 2 * number)
        return figures

    return epoch


def _several(step: Callable[[Any], dict[str, tf.Tensor]]) -> Callable:
    """A function of an iterator and a number that takes as many steps in one call."""

    @tf.function(autograph=False)
    def several(iterator: tf.data.Iterator, number: tf.Tensor) -> dict[str, tf.Tensor]:
        one = tf.function(step, autograph=False).get_concrete_function(iterator.element_spec)

        def next_one(done: tf.Tensor, _: dict) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            return done + 1, one(iterator.get_next())

        first = [tf.constant(1), one(iterator.get_next())]
        return tf.while_loop(lambda done, _: done < number, next_one, first)[1]

    return several
