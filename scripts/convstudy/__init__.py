"""Studies of convolutional networks on image data: the package behind the workflow's scripts.

Nothing in this package knows Snakemake's `snakemake` object, and TensorFlow is imported only by the
modules that train or run a network.
"""

from pathlib import Path

from convstudy.foundation import own_imports

own_imports.take_over(str(Path(__file__).parents[1]))
