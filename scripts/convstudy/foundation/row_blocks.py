"""Blocks of rows, for what is computed of more rows than memory holds at a time."""

from collections.abc import Iterator
from itertools import pairwise


def even(n: int, least: int) -> Iterator[slice]:
    """Slices of 0 to `n`, of nearly equal length and at least `least` rows, of which n may be less.

    They follow from these two numbers alone: a sum or a product that is taken block by block has
    the same bits wherever the rows come from.
    """
    count = max(1, n // least)
    size, longer = divmod(n, count)
    edges = [number * size + min(number, longer) for number in range(count + 1)]
    return (slice(start, stop) for start, stop in pairwise(edges))
