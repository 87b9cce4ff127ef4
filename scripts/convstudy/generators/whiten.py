"""Feature-wise centring and ZCA whitening; horizontal flips in training.

ZCA as ImageDataGenerator has it, from the eigenvectors of the covariance of the pixels rather than
from the singular vectors of the image matrix: equal, and faster with more images than pixels.
"""

import math
from typing import Annotated

import numpy as np

from convstudy.foundation.errors import UserError
from convstudy.generators import Generator, blocks

FITS = True
AUGMENTS = True
RANDOM_OPTIONS = ("horizontal_flip",)
LARGEST = 12_288  # values of an image, 64 x 64 x 3: the matrix has their square


class Whiten(Generator):
    """Pixels with zero mean in each channel and (nearly) the identity as their covariance."""

    def __init__(self, horizontal_flip: bool, epsilon: float):
        self.horizontal_flip = horizontal_flip
        self.epsilon = epsilon

    def fit(self, images):
        """Channel means (c,) and the whitening matrix (d, d), d = height * width * c."""
        pixels = math.prod(images.shape[1:])
        if pixels > LARGEST:
            raise UserError(
                f"generator 'whiten': images have {pixels} values, at most {LARGEST} can be "
                f"whitened (the matrix would have {pixels}^2 entries): set a smaller image_size "
                f"or choose the generator 'normalize'."
            )
        total = sum(block.sum(axis=(0, 1, 2), dtype=np.uint64) for block in blocks(images))
        mean = total / math.prod(images.shape[:3]) / 255.0
        # double precision: the small eigenvalues decide, and 1/sqrt amplifies their errors
        covariance = np.zeros((pixels, pixels))
        for block in blocks(images):
            flat = self._flat(block, mean).astype(np.float64)
            covariance += flat.T @ flat
        values, vectors = np.linalg.eigh(covariance / len(images))
        scale = 1.0 / np.sqrt(np.maximum(values, 0) + self.epsilon)
        return {"mean": mean, "whitening": ((vectors * scale) @ vectors.T).astype(np.float32)}

    def training_arrays(self, images, statistics):
        """Both whitened versions of an image, (n, 2, h, w, c): as it is, and flipped.

        The flip is the only random step, so whitening both once spares a d x d product a step.
        """
        versions = [images, images[:, :, ::-1]] if self.horizontal_flip else [images]
        whitened = np.empty((len(images), len(versions), *images.shape[1:]), np.float32)
        for number, version in enumerate(versions):
            whitened[:, number] = self.test_arrays(version, statistics)
        return whitened

    def test_arrays(self, images, statistics):
        """Whitened images (n, h, w, c) float32."""
        flat = self._flat(images, statistics["mean"])
        return (flat @ statistics["whitening"]).reshape(images.shape)

    def training_batch(self, batch, seed, statistics):
        """Choose one of the whitened versions of each image at random."""
        import tensorflow as tf

        n, versions = tf.shape(batch)[0], batch.shape[1]
        choice = tf.random.stateless_uniform([n], seed, 0, versions, tf.int32)
        return tf.gather(batch, choice, axis=1, batch_dims=1)

    def test_batch(self, batch, statistics):
        """Whitened images are ready."""
        return batch

    def layers(self, shape, statistics):
        """Scale to [0, 1], centre, and multiply by the whitening matrix."""
        from keras import layers

        matrix = statistics["whitening"]
        product = layers.Dense(
            len(matrix), use_bias=False, trainable=False, name="whitening_matrix"
        )
        product.build((None, len(matrix)))
        product.set_weights([matrix])
        return [
            layers.Rescaling(1 / 255, name="scale_pixels"),
            layers.Normalization(
                mean=statistics["mean"].tolist(), variance=[1.0] * shape[2], name="centre_pixels"
            ),
            layers.Flatten(name="flatten_pixels"),
            product,
            layers.Reshape(shape, name="whitened_pixels"),
        ]

    @staticmethod
    def _flat(images, mean):
        centred = images.astype(np.float32)
        centred /= np.float32(255)
        centred -= mean.astype(np.float32)
        return centred.reshape(len(images), -1)


def make(
    *,
    horizontal_flip: bool = True,
    epsilon: Annotated[float, {"exclusiveMinimum": 0}] = 1e-6,
) -> Generator:
    """Make the generator.

    Args:
        horizontal_flip: flip half of the training images.
        epsilon: added to the eigenvalues (`zca_epsilon` of ImageDataGenerator).
    """
    return Whiten(horizontal_flip, epsilon)
