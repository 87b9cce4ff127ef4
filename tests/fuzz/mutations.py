"""Strategies that damage bytes and trees of builtin values."""

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

# Numbers at the edges of fields, in both orders, and what often has a meaning in a header.
_PATCHES = [
    *(bytes([value]) * length for value in (0, 1, 0x7F, 0x80, 0xFF) for length in (1, 2, 4, 8)),
    *(b"\x00\x00\x00\x01", b"\x01\x00\x00\x00", b"\x00\x10\x00\x00", b"\x40\x00\x40\x00"),
    *(b"/", b"../", b"\n", b"7777777", b"-1", b"PK\x03\x04", b"\x1f\x8b\x08", b"ustar\x0000"),
]
_EDITS = st.tuples(
    st.integers(0, 8),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**12),
    st.sampled_from(_PATCHES) | st.binary(min_size=1, max_size=9),
)


def mutated(seeds: Sequence[bytes], after: Callable[[bytes], bytes] = bytes) -> st.SearchStrategy:
    """One of the good files with up to four edits; `after` may repair its checksums."""

    def build(number: int, edits: list[tuple]) -> bytes:
        content = bytearray(seeds[number])
        for edit in edits:
            _edit(content, *edit)
        return after(bytes(content))

    return st.builds(build, st.integers(0, len(seeds) - 1), st.lists(_EDITS, max_size=4))


def _edit(content: bytearray, kind: int, position: int, length: int, patch: bytes) -> None:
    position %= len(content) + 1
    stretch = slice(position, position + length % 64 + 1)
    if kind <= 1:
        content[position : position + len(patch)] = patch
    elif kind == 2:
        content[position:position] = patch
    elif kind == 3:
        del content[stretch]
    elif kind == 4 and position < len(content):
        content[position] ^= 1 << length % 8
    elif kind == 5:
        del content[position:]
    elif kind == 6:  # a block that the disk lost
        lost = slice(position, position + length)
        content[lost] = (b"\0" if patch[0] % 2 else b"\xff") * len(content[lost])
    elif kind == 7:
        content[position:position] = content[stretch]
    else:
        content[length : length + 16] = content[position : position + 16]


_VALUES = [
    *(None, True, False, 0, 1, -1, 2, 99999, 10**400, 0.5, -0.5, 1e308, float("nan"), float("inf")),
    *("", "a", "none", "random", "../x", "\0", "é", "x" * 500, [], {}, [[]], [None], [1, 2], ["a"]),
    *({"a": 1}, {"a": {}}, ["a", "a"], [{}]),
]


def mutated_trees(tree: Any, values: Sequence[Any] = ()) -> st.SearchStrategy:
    """A tree of dicts, lists and values with up to four edits.

    A case is drawn from one seed: a tree of hundreds of nodes drawn node by node would be slow.
    """
    pool = [*_VALUES, *values]

    def build(seed: int, edits: int) -> Any:
        rng = random.Random(seed)
        changed = copy.deepcopy(tree)
        for _ in range(edits):
            _edit_tree(changed, rng, pool)
        return changed

    return st.builds(build, st.integers(0, 2**64), st.integers(0, 4))


def _edit_tree(tree: Any, rng: random.Random, pool: list[Any]) -> None:
    nodes = list(_nodes(tree))
    parent, key = rng.choice(nodes)
    action = rng.randrange(6)
    value = copy.deepcopy(rng.choice(pool))
    if action == 0:
        del parent[key]
    elif action == 1:
        other, place = rng.choice(nodes)
        parent[key] = copy.deepcopy(other[place])
    elif action == 2 and isinstance(parent, dict):
        parent[str(value)[:20] if rng.random() < 0.5 else value_key(value)] = parent[key]
    elif action == 3 and isinstance(parent, list):
        parent.insert(key, value)
    else:
        parent[key] = value


def value_key(value: Any) -> Any:
    """A value that may be the key of a dict: YAML admits more than texts."""
    return value if isinstance(value, str | int | float | None) else "key"


def _nodes(tree: Any) -> Any:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _nodes(tree[key])
