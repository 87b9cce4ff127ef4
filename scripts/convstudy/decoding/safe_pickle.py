"""Unpickle arrays from a file that nobody vouches for.

A pickle is a program, so it is not given to Python's unpickler as it is. First every instruction
is read without running it: only those that build dicts, lists, tuples, numbers, texts, bytes and
arrays are admitted. Then the unpickler runs with stand-ins in place of numpy's functions, which
check the shape, the type and the size of an array before it is made. Nothing from outside is
imported or called, and memory is bounded by the size of the file.
"""

import codecs
import math
import pickle
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, NoReturn

import numpy as np

from convstudy.decoding.archive_entries import Member
from convstudy.foundation.errors import UserError, first_line

MAX_INSTRUCTIONS = 3_000_000  # CIFAR-100's largest file has about 300,000
MAX_TUPLES = 1000  # an array needs five; Python crashes when it hashes a million nested ones

_INSTRUCTIONS = frozenset(
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 "
    "BINSTRING SHORT_BINSTRING BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 "
    "EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS "
    "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "BINPUT LONG_BINPUT BINGET LONG_BINGET MEMOIZE GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)
_DTYPES = frozenset("u1 u2 u4 i1 i2 i4 i8".split())


def load_pickle(label: str, member: Member) -> dict[str, Any]:
    """Load a pickled dict of numbers, texts, lists and numeric arrays, and nothing else.

    Args:
        label: what messages call the file.
        member: the pickle, protocol 2 to 5, of Python 2 or 3.

    Returns:
        The entries; keys that are bytes are decoded, texts of Python 2 stay bytes.

    Raises:
        UserError: the pickle is damaged, or holds anything else.
    """
    try:
        with member.open() as stream:
            _check_instructions(_Claims(stream, member.size))
            stream.seek(0)
            content = _Unpickler(stream, encoding="bytes").load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle makes the unpickler raise almost anything
        refuse(
            label, f"cannot be unpickled ({first_line(error)})", "dicts, lists, numbers and arrays"
        )
    if not isinstance(content, dict) or not all(isinstance(k, bytes | str) for k in content):
        refuse(label, f"holds {described(content)}", "a dict with texts as keys")
    return {
        as_text(key): value.array if isinstance(value, _Array) else value
        for key, value in content.items()
    }


def as_text(value: bytes | str) -> str:
    """Decode what may be a text of Python 2, with escapes for bytes that are not UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def described(value: Any) -> str:
    """Say what a value is, for a message."""
    if isinstance(value, np.ndarray):
        return f"a {value.dtype} array {value.shape}"
    return f"a {type(value).__name__}"


def refuse(label: str, found: str, expected: str) -> NoReturn:
    """Raise the `UserError` of a pickle that does not hold what it should."""
    raise UserError(
        f"{label}: {found}, expected {expected}. This is not a pickle as CIFAR's python version "
        f"holds it: fetch the archive again."
    )


class _Claims:
    """Reads a stream, and refuses a length that the file does not have before it is allocated."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.readline, self.tell = stream.readline, stream.tell
        self._read, self._size = stream.read, size

    def read(self, length: int) -> bytes:
        self.check(length)
        return self._read(length)

    def check(self, length: int) -> None:
        if length > self._size:
            raise ValueError(f"{length:,} bytes are claimed, the file has {self._size:,}")


def _check_instructions(stream: _Claims) -> None:
    """Read every instruction without running it.

    This bounds what running them can allocate: nothing is longer than the file, and the unpickler
    sizes its memo by the largest index.
    """
    count = tuples = 0
    for operation, argument, _ in pickletools.genops(stream):
        count += 1
        tuples += operation.name.startswith("TUPLE")
        if operation.name not in _INSTRUCTIONS:
            raise ValueError(f"the instruction {operation.name} is not admitted")
        if operation.name == "FRAME":
            stream.check(argument)
        if operation.name == "LONG_BINPUT" and argument > MAX_INSTRUCTIONS:
            raise ValueError(f"the memo index {argument} is too large")
        if count > MAX_INSTRUCTIONS:
            raise ValueError(f"it has more than {MAX_INSTRUCTIONS:,} instructions")
        if tuples > MAX_TUPLES:
            raise ValueError(f"it has more than {MAX_TUPLES:,} tuples")


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, **options: Any) -> None:
        super().__init__(stream, **options)
        self._encoded: dict[int, tuple[str, bytes]] = {}

    def _encode(self, text: str, encoding: str) -> bytes:
        """Encode what Python 3 writes bytes as in protocol 2; a text once, so memory is bounded."""
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"the encoding {encoding!r} is not admitted")
        if id(text) not in self._encoded:
            self._encoded[id(text)] = text, codecs.encode(text, "latin-1")
        return self._encoded[id(text)][1]

    def find_class(self, module: str, name: str) -> "_StandIn":
        if (module, name) == ("_codecs", "encode"):
            return _StandIn(self._encode)
        stand_in = _STAND_INS.get((module.replace("numpy.core", "numpy._core"), name))
        if stand_in is None:
            raise ValueError(f"the name {module}.{name} is not admitted")
        return stand_in


class _StandIn:
    """Takes the place of one function of numpy; a pickle can call it but not change it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable) -> None:
        object.__setattr__(self, "_function", function)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a pickle must not set attributes")

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)


class _DType:
    """Stands in for `numpy.dtype`: whole numbers only."""

    __slots__ = ("code", "order")

    def __init__(self, code: bytes | str, *_: Any) -> None:
        self.code, self.order = as_text(code), "<"
        if self.code not in _DTYPES:
            raise ValueError(f"arrays of the type {self.code[:40]!r} are not admitted")

    def __setstate__(self, state: tuple) -> None:
        order, parts = as_text(state[1]), state[2:5]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in parts):
            raise ValueError("arrays with fields are not admitted")
        self.order = order


class _Array:
    """Stands in for an array that is being built, and checks what it is built from."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array = np.zeros(0, np.uint8)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, raw = state
        self.fill(raw, dtype, shape, "F" if fortran else "C")

    def fill(self, raw: bytes, dtype: _DType, shape: tuple, order: str) -> "_Array":
        if not isinstance(dtype, _DType) or not isinstance(raw, bytes | bytearray):
            raise ValueError("an array of objects is not admitted")
        whole = all(type(length) is int and length >= 0 for length in shape)
        numpy_type = np.dtype(dtype.order + dtype.code)
        if not whole or len(shape) > 2 or math.prod(shape) * numpy_type.itemsize != len(raw):
            raise ValueError(f"an array {shape} of {dtype.code} does not fit {len(raw)} bytes")
        self.array = np.frombuffer(raw, numpy_type).reshape(shape, order=order)
        return self


_STAND_INS = {
    ("numpy", "ndarray"): _StandIn(_Array),
    ("numpy", "dtype"): _StandIn(_DType),
    ("numpy._core.multiarray", "_reconstruct"): _StandIn(lambda kind, shape, code: _Array()),
    ("numpy._core.numeric", "_frombuffer"): _StandIn(
        lambda raw, dtype, shape, order: _Array().fill(raw, dtype, shape, order)
    ),
}
