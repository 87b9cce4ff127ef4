"""Network architectures, one a file.

A model file has a function `build(input_shape, classes, *, <options>) -> keras.Model` that returns
an uncompiled network ending in a softmax, and the constant `INPUT`: `images` (a generator's
output), `features` (a backbone's vectors) or `backbone` (images in [0, 1] through a backbone that
`build` receives as its keyword `backbone`). A constant `SMALLEST` is the least side of the images.
A file whose network ends in logits says so by `OUTPUT = "logits"`; a softmax is put behind them.
A file on features may have a function `solve` that computes the weights: see `training/solving.py`.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from convstudy.foundation import plugin_files


def load(kind: str) -> ModuleType:
    """Import the file `kind`, which registers the layers of its own that it may have with Keras."""
    return plugin_files.load("models", kind)


def build(kind: str, input_shape: tuple[int, ...], classes: int, options: dict[str, Any]) -> Any:
    """Build the network of the file `kind`; its weights are drawn from Keras's global seed."""
    return load(kind).build(input_shape, classes, **options)


def layers(model: Any) -> Iterator[Any]:
    """The layers of a Keras model in their order; of a model nested in it that one's."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers(layer)
        else:
            yield layer


def batch_norms(model: Any) -> Iterator[Any]:
    """The batch norms of a Keras model and of the models nested in it."""
    import keras

    return (x for x in layers(model) if isinstance(x, keras.layers.BatchNormalization))
