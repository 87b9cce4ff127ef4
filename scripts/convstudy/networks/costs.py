"""What a network costs a prediction."""

from typing import Any

import tensorflow as tf


def flops_per_image(model: Any) -> int:
    """Floating-point operations of one image forward, by TensorFlow's own count.

    A multiplication and an addition are two. Counted are convolutions, matrix products, additions
    and what else TensorFlow has a count for, not activations.

    Args:
        model: a Keras model with one input of known shape.
    """
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    forward = tf.function(lambda x: model(x, training=False), autograph=False)
    graph = forward.get_concrete_function(image).graph
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops
