"""Optimizer, learning rate and loss of a training, from the blocks of its settings."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers import schedules

from convstudy.training import parts


def optimizer(model: keras.Model, settings: dict[str, Any], steps: int) -> keras.Optimizer:
    """The optimizer of a network, built for its trainable weights.

    Args:
        model: whose weights are trained; those of less than two dimensions are biases, and scales
            and offsets of norms.
        settings: `optimizer` with its `kind`, the name of a class of `keras.optimizers`, and its
            options; what `learning_rate` needs; where it is set, `backbone_rate`, what the rate of
            the network within the network is multiplied by.
        steps: number of steps in an epoch.
    """
    options = dict(settings["optimizer"])
    kind, decays = options.pop("kind"), options.pop("weight_decay_on")
    average = options.pop("ema_momentum")
    if average is not None:
        options |= {"use_ema": True, "ema_momentum": average}
    rate = settings.get("backbone_rate", 1)
    made = getattr(keras.optimizers, kind)
    if rate != 1:
        made = _with_slower(made, rate, parts.backbone_of(model).trainable_variables)
    found = made(learning_rate(settings, steps), **options)
    if decays == "kernels":
        plain = [weight for weight in model.trainable_variables if len(weight.shape) < 2]
        found.exclude_from_weight_decay(var_list=plain)
    if settings.get("precision") == "mixed_float16":
        # small gradients would be lost; the dynamic scale of Micikevicius et al., Mixed Precision
        # Training (2018)
        found = keras.optimizers.LossScaleOptimizer(found)
    found.build(model.trainable_variables)
    return found


def _with_slower(
    made: type[keras.Optimizer], factor: float, slow: list[keras.Variable]
) -> type[keras.Optimizer]:
    """A kind of optimizer whose rate, also that of weight decay, is another for some variables."""
    paths = {variable.path for variable in slow}

    class WithSlower(made):
        def build(self, variables):
            super().build(variables)
            self.slow = {i for i, variable in enumerate(variables) if variable.path in paths}

        def update_step(self, gradient, variable, learning_rate):
            rate = learning_rate * factor if self._is_slow(variable) else learning_rate
            super().update_step(gradient, variable, rate)

        def _apply_weight_decay(self, variables):
            if self.weight_decay is None:
                return
            decay = self.weight_decay
            super()._apply_weight_decay([x for x in variables if not self._is_slow(x)])
            self.weight_decay = decay * factor
            super()._apply_weight_decay([x for x in variables if self._is_slow(x)])
            self.weight_decay = decay

        def _is_slow(self, variable):
            return self._get_variable_index(variable) in self.slow  # an optimizer knows no paths

    return WithSlower


def learning_rate(settings: dict[str, Any], steps: int) -> float | schedules.LearningRateSchedule:
    """The learning rate: a number, or a function of the number of steps done.

    Args:
        settings: `learning_rate`, `epochs` and `schedule` with its `kind` and options.
        steps: number of steps in an epoch.
    """
    rate, about = float(settings["learning_rate"]), settings["schedule"]
    match about["kind"]:
        case "constant":
            found = rate
        case "time_decay":
            found = schedules.InverseTimeDecay(rate, decay_steps=1, decay_rate=about["rate"])
        case "step":
            ends = sorted(about["epochs"])
            rates = [rate * about["factor"] ** i for i in range(len(ends) + 1)]
            # the step of a boundary is the last one that has the rate before it
            found = schedules.PiecewiseConstantDecay([end * steps - 1 for end in ends], rates)
        case "exponential":
            found = schedules.ExponentialDecay(rate, steps, about["factor"])
        case "cosine":
            found = schedules.CosineDecay(rate, steps * settings["epochs"], about["final"])
        case "one_cycle":
            found = OneCycle(
                rate, steps * settings["epochs"], about["start"], about["peak"], about["final"]
            )
    if not about["warmup"]:
        return found
    return Warmup(found, max(1, round(about["warmup"] * steps)))


class OneCycle(schedules.LearningRateSchedule):
    """A rate that grows evenly to its peak and falls evenly until the end.

    As in Smith and Topin, Super-Convergence (2018); the momentum stays as it is.
    """

    def __init__(self, rate: float, steps: int, start: float, peak: float, final: float):
        """Take the peak's `rate`, the number of steps, where they peak, and fractions of `rate`."""
        self.options = (rate, steps, start, peak, final)

    def __call__(self, step):
        """The rate after so many steps."""
        rate, steps, start, peak, final = self.options
        done = tf.cast(step, tf.float32) / steps
        up = start + (1 - start) * done / peak
        down = 1 + (final - 1) * (done - peak) / (1 - peak)
        return rate * tf.maximum(tf.where(done < peak, up, down), min(start, final))

    def get_config(self):
        """The arguments."""
        return dict(zip(("rate", "steps", "start", "peak", "final"), self.options, strict=True))


class Warmup(schedules.LearningRateSchedule):
    """Another rate, times what grows evenly to 1 in the first steps."""

    def __init__(self, rate: float | schedules.LearningRateSchedule, steps: int):
        """Take the other rate and the number of steps."""
        self.rate, self.steps = rate, steps

    def __call__(self, step):
        """The rate after so many steps."""
        rate = self.rate(step) if callable(self.rate) else self.rate
        return rate * tf.minimum(1.0, (tf.cast(step, tf.float32) + 1) / self.steps)

    def get_config(self):
        """The arguments."""
        return {"rate": keras.saving.serialize_keras_object(self.rate), "steps": self.steps}


def loss(about: dict[str, Any], mixed_labels: bool = False) -> str | Callable:
    """The loss of integer labels (n,), or mixed ones (n, classes), and probabilities (n, classes).

    Args:
        about: `kind`, `label_smoothing` (Szegedy et al., Rethinking the Inception Architecture,
            2016); of `focal` its `gamma` (Lin et al., Focal Loss, 2017, without weights of
            classes).
        mixed_labels: labels are rows that sum to 1.
    """
    smoothing = about["label_smoothing"]
    if about["kind"] == "focal":
        of_one_hot = functools.partial(
            keras.losses.categorical_focal_crossentropy,
            alpha=1.0,
            gamma=about["gamma"],
            label_smoothing=smoothing,
        )
    elif smoothing:
        of_one_hot = functools.partial(
            keras.losses.categorical_crossentropy, label_smoothing=smoothing
        )
    else:
        return f"{'' if mixed_labels else 'sparse_'}categorical_crossentropy"

    def of_mixed(labels, probabilities):
        return of_one_hot(labels, probabilities)

    def of_labels(labels, probabilities):
        numbers = keras.ops.cast(keras.ops.reshape(labels, [-1]), "int32")
        return of_one_hot(keras.ops.one_hot(numbers, probabilities.shape[-1]), probabilities)

    return of_mixed if mixed_labels else of_labels


def unscaled(found: keras.Optimizer) -> keras.Optimizer:
    """The optimizer itself, within one that scales the loss."""
    return getattr(found, "inner_optimizer", found)


class AveragedWeights(keras.callbacks.Callback):
    """Puts the moving average of the weights in a network for its validation.

    What stands behind it among the callbacks sees the averaged network at an epoch's end, until
    `back`, another callback, puts the weights themselves in again. At the end of a training Keras
    leaves the average there.
    """

    def on_test_begin(self, logs=None):
        """Exchange weights and average."""
        self._exchange()

    @property
    def back(self) -> keras.callbacks.Callback:
        """The callback that ends it."""
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self._exchange())

    def _exchange(self) -> None:
        averages = unscaled(self.model.optimizer)._model_variables_moving_average
        for weight, average in zip(self.model.trainable_variables, averages, strict=True):
            held = tf.identity(weight.value)
            weight.assign(average)
            average.assign(held)
