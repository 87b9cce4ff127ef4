"""Into how many shards a data set goes, for jobs that prepare it beside each other.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import math
from collections.abc import Callable

from convstudy.study.schema import Block

# Keys of a data set's block by which its images are found and brought to their form.
BEFORE_THE_SPLIT = (
    "reader", "files", "options", "image_size", "fit", "channels", "value_range", "max_pixels",
    "classes", "exclude_classes", "max_classes",
)  # fmt: skip
SHARD_BYTES = 4 * 10**9  # of given files, which one core decodes in about half an hour


def of_all(datasets: Block, megabytes: Callable[[list[str]], float | None]) -> dict[str, int]:
    """The shards of each data set; those are left out whose number cannot be told yet.

    Args:
        datasets: the config's block.
        megabytes: the size of given files, in MB of 10^6 bytes; None where one is not there.
    """
    found = {}
    for name, block in datasets.items():
        count = block["shards"]
        if count == "auto":
            size = megabytes(list(block["files"].values()))
            count = size if size is None else max(1, math.ceil(size * 10**6 / SHARD_BYTES))
        if count is not None:
            found[name] = count
    return found


def items(count: int) -> list[str]:
    """What the files of so many shards are called."""
    return [f"{number}-of-{count}" for number in range(1, count + 1)]
