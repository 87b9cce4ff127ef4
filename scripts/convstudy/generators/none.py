"""No generator: pixels scaled to [0, 1]."""

from convstudy.generators import Generator

FITS = False
AUGMENTS = False


class Scaled(Generator):
    """Pixels in [0, 1]."""

    def test_batch(self, batch, statistics):
        """Scale a uint8 batch to [0, 1]."""
        import tensorflow as tf

        return tf.cast(batch, tf.float32) / 255.0

    def layers(self, shape, statistics):
        """Scale to [0, 1]."""
        from keras import layers

        return [layers.Rescaling(1 / 255, name="scale_pixels")]


def make() -> Generator:
    """Make the generator; it has no options."""
    return Scaled()
