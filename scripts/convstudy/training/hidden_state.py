"""What layers that are not Keras's own remember or draw beside the variables that they list.

A backup needs it, for otherwise a training that was killed would end on other bits. The graph of a
training step tells it: each variable that it captures, and each operation whose state lies in
TensorFlow itself or in Python, where nothing can read it.
"""

import re
from typing import Any

import keras
import tensorflow as tf

from convstudy.foundation.errors import UserError

# Operations that draw from a state of TensorFlow's own, and those that call Python.
DRAWS = re.compile(r"(Random|Truncated|Parameterized|Multinomial)")
CALLS = ("PyFunc", "EagerPyFunc", "PyFuncStateless")
# What Keras writes of values, in the form in which it writes objects.
VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__slice__", "__ellipsis__"}


def variables(model: keras.Model, mixed_labels: bool = False) -> list[tf.Variable]:
    """Variables of a training step that neither the network nor its optimizer or metrics list.

    Those of `keras.random` without a seed are among them, and a `tf.Variable` that is a layer's
    attribute. A network of Keras's own parts alone has none, and is not looked at.

    Args:
        model: compiled, with one input, and with its optimizer's variables.
        mixed_labels: labels are rows (classes,) in place of numbers.

    Returns:
        the variables, in the order in which the step captures them.

    Raises:
        UserError: the step draws by `tf.random`, or calls Python: what it draws after a kill could
            not be what it would have drawn.
    """
    config = keras.saving.serialize_keras_object(model) | {"compile_config": None}
    if not _has_own_code(config):
        return []
    labels = tf.TensorSpec([None], tf.int32)
    if mixed_labels:
        labels = tf.TensorSpec(model.output_shape, tf.float32)
    batch = tf.TensorSpec(model.input_shape), labels
    graph = tf.function(model.train_step, autograph=False).get_concrete_function(batch).graph
    _check(graph.as_graph_def(), model.name)
    known = {id(x.value.handle) for x in _listed(model)}
    found = {id(x.handle): x for x in graph.variables}
    order = [id(outside) for outside, _ in graph.captures]
    return [found[handle] for handle in order if handle in found and handle not in known]


def _listed(model: keras.Model) -> list[keras.Variable]:
    """What is kept, or begins anew with each epoch, without being asked for."""
    of_metrics = [x for metric in model.metrics for x in metric.variables]
    return [*model.variables, *model.optimizer.variables, *of_metrics]


def _check(graph: Any, name: str) -> None:
    nodes = [*graph.node, *(node for one in graph.library.function for node in one.node_def)]
    for node in nodes:
        if DRAWS.match(node.op):
            raise UserError(
                f"{name}: a layer draws by tf.random ({node.name}), whose state cannot be kept, so "
                f"a training that is killed would end with other weights. Draw by keras.random "
                f"with seed=keras.random.SeedGenerator(...), which the layer has as an attribute."
            )
        if node.op in CALLS:
            raise UserError(
                f"{name}: a layer calls Python within the graph ({node.name}), whose state cannot "
                f"be kept, so a training that is killed would end with other weights. Write it in "
                f"keras.ops."
            )


def _has_own_code(config: Any) -> bool:
    """Whether a serialized network names a class or function that is not Keras's own."""
    if isinstance(config, list | tuple):
        return any(map(_has_own_code, config))
    if not isinstance(config, dict):
        return False
    package = str(config.get("module")).split(".")[0]  # keras_cv, say, is not Keras
    is_object = "class_name" in config and config["class_name"] not in VALUES
    return (is_object and package != "keras") or any(map(_has_own_code, config.values()))
