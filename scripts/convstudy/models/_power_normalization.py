"""Power normalization of feature vectors: large values count for less.

Perronnin, Sánchez and Mensink, Improving the Fisher Kernel for Large-Scale Image Classification
(ECCV 2010), 3.2. With a power of 0.5 it is the signed square root. A linear head gains by it where
features have many small values and a few large ones.
"""

import keras
from keras import ops

# Added to absolute values, so that the slope at zero is finite where a backbone is trained, too.
OFFSET = 0.01


def normalized(vectors: keras.KerasTensor, power: float) -> keras.KerasTensor:
    """Vectors (b, width) of sign(x) * ((|x| + OFFSET)^power - OFFSET^power); as they are with 1."""
    if power == 1:
        return vectors
    sizes = ops.power(ops.abs(vectors) + OFFSET, power) - OFFSET**power
    return ops.sign(vectors) * sizes
