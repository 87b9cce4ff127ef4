"""CIFAR-10 and CIFAR-100, the python versions (Krizhevsky, 2009): pickled arrays in a `.tar.gz`.

CIFAR-100 holds the members `train`, `test` and `meta`, CIFAR-10 `data_batch_1` to `data_batch_5`,
`test_batch` and `batches.meta`; which of the two it is, is told by its members.

A pickle is a program, so these are not given to Python's unpickler as they are. First every
instruction is read without running it: only those that build dicts, lists, tuples, numbers,
texts, bytes and arrays are admitted. Then the unpickler runs with stand-ins in place of
numpy's functions, which check the shape, the type and the size of an array before it is made.
Nothing from outside is imported or called, and memory is bounded by the size of the file.
"""

import codecs
import contextlib
import math
import pickle
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, NoReturn

import numpy as np

from convstudy import archives
from convstudy.errors import UserError
from convstudy.images import resize_array
from convstudy.members import Member
from convstudy.readers import Source

FILES = ("archive",)
SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_INSTRUCTIONS = 3_000_000  # CIFAR-100's largest file has about 300,000
MAX_TUPLES = 1000  # an array needs five; Python crashes when it hashes a million nested ones

_CIFAR_100 = {"train": ("train",), "test": ("test",), "meta": ("meta",)}
_CIFAR_10 = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
    "meta": ("batches.meta",),
}
_MEMBERS = {name for form in (_CIFAR_10, _CIFAR_100) for group in form.values() for name in group}


@contextlib.contextmanager
def open_reader(
    files: dict[str, Path], *, labels: Literal["fine", "coarse"] = "fine"
) -> Iterator[Source]:
    """Open a CIFAR archive.

    Args:
        files: "archive" is the `.tar.gz` (or a folder with its contents).
        labels: the 100 fine classes of CIFAR-100 or its 20 coarse ones. CIFAR-10 has fine ones.
    """
    archive = files["archive"]
    if labels not in ("fine", "coarse"):
        raise UserError(f"labels: '{labels}', expected 'fine' or 'coarse'.")
    with archives.extracted(archive, lambda name: PurePosixPath(name).name in _MEMBERS) as members:
        paths = _by_file_name(archive, members)
        form = _CIFAR_10 if "batches.meta" in paths else _CIFAR_100
        wanted = {name for group in form.values() for name in group}
        if wanted - set(paths):
            raise UserError(
                f"{archive}: holds no member '{sorted(wanted - set(paths))[0]}'. Expected the "
                f"python version of CIFAR-10 or CIFAR-100, complete: fetch it again."
            )
        prefix = f"{labels}_" if form is _CIFAR_100 else ""
        if form is _CIFAR_10 and labels == "coarse":
            raise UserError(
                f"{archive}: CIFAR-10 has no coarse labels. Set the option labels to 'fine'."
            )
        class_names = _read_names(*paths[form["meta"][0]], f"{prefix}label_names")
        batches = {
            subset: [
                _read_batch(*paths[name], f"{prefix}labels", len(class_names))
                for name in form[subset]
            ]
            for subset in ("train", "test")
        }
    yield _source(class_names, batches)


def _source(class_names: list[str], batches: dict[str, list["_Batch"]]) -> Source:
    labels = {s: np.concatenate([batch.labels for batch in batches[s]]) for s in batches}
    names = {s: [name for batch in batches[s] for name in batch.names] for s in batches}
    # Rows are looked up where they are: joining the batches would hold all pixels twice.
    rows = {s: [row for batch in batches[s] for row in batch.pixels] for s in batches}

    def image(subset: str, index: int, size: tuple[int, int]) -> np.ndarray:
        planes = rows[subset][index].reshape(3, SIDE, SIDE)
        return resize_array(np.ascontiguousarray(planes.transpose(1, 2, 0)), size)

    return Source(class_names, labels, names, image)


@dataclass(frozen=True)
class _Batch:
    pixels: np.ndarray  # uint8 (n, 3072): the red, green and blue planes of each image
    labels: np.ndarray  # int64 (n,)
    names: list[str]


def _by_file_name(archive: Path, members: dict[str, Member]) -> dict[str, tuple[str, Member]]:
    """Look members up without their folder: file name -> (what messages call it, member)."""
    found: dict[str, tuple[str, Member]] = {}
    for path, member in members.items():
        name = PurePosixPath(path).name
        if name in found:
            raise UserError(f"{archive}: holds two members '{name}', expected one of each.")
        found[name] = (f"{archive}: {path}", member)
    return found


def _read_names(label: str, member: Member, key: str) -> list[str]:
    return _texts(label, load_pickle(label, member), key)


def _read_batch(label: str, member: Member, key: str, classes: int) -> _Batch:
    content = load_pickle(label, member)
    pixels, labels = _entry(label, content, "data"), _entry(label, content, key)
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.shape != (len(pixels), PIXELS)
    ):
        _fail(label, f"'data' is {_described(pixels)}", f"a uint8 array (n, {PIXELS})")
    if isinstance(labels, np.ndarray):
        labels = labels.tolist()
    if not isinstance(labels, list) or not all(type(value) is int for value in labels):
        _fail(label, f"'{key}' is {_described(labels)}", "a list of whole numbers")
    bad = [value for value in labels if not 0 <= value < classes]
    if bad:
        _fail(label, f"'{key}' holds {bad[0]}", f"labels 0 to {classes - 1}, one a class name")
    if "filenames" in content:
        names = _texts(label, content, "filenames")
    else:
        names = [f"{label.split('/')[-1]}/{index:05d}" for index in range(len(labels))]
    for what, values in (("labels", labels), ("file names", names)):
        if len(values) != len(pixels):
            _fail(label, f"{len(values)} {what} for {len(pixels)} images", "one for each")
    return _Batch(pixels, np.array(labels, dtype=np.int64), names)


def _entry(label: str, content: dict[str, Any], key: str) -> Any:
    if key not in content:
        found = ", ".join(f"'{name[:40]}'" for name in list(content)[:10])
        _fail(label, f"no entry '{key}' among {found or 'none'}", f"'{key}'")
    return content[key]


def _texts(label: str, content: dict[str, Any], key: str) -> list[str]:
    values = _entry(label, content, key)
    if not isinstance(values, list) or not all(isinstance(v, bytes | str) for v in values):
        _fail(label, f"'{key}' is {_described(values)}", "a list of texts")
    return [_text(value) for value in values]


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"a {value.dtype} array {value.shape}"
    return f"a {type(value).__name__}"


def _fail(label: str, found: str, expected: str) -> NoReturn:
    raise UserError(
        f"{label}: {found}, expected {expected}. This is not a pickle as CIFAR's python version "
        f"holds it: fetch the archive again."
    )


# --- the restricted unpickler ---------------------------------------------------------------

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
            _check_instructions(stream)
            stream.seek(0)
            content = _Unpickler(stream, encoding="bytes").load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle makes the unpickler raise almost anything
        reason = str(error)[:300] or type(error).__name__
        _fail(label, f"cannot be unpickled ({reason})", "dicts, lists, numbers and arrays")
    if not isinstance(content, dict) or not all(isinstance(k, bytes | str) for k in content):
        _fail(label, f"holds {_described(content)}", "a dict with texts as keys")
    return {
        _text(key): value.array if isinstance(value, _Array) else value
        for key, value in content.items()
    }


def _check_instructions(stream: BinaryIO) -> None:
    """Read every instruction without running it.

    This bounds what running them can allocate: `genops` fails where a length is claimed that the
    file does not have, and the unpickler sizes its memo by the largest index.
    """
    count = tuples = 0
    for operation, argument, _ in pickletools.genops(stream):
        count += 1
        tuples += operation.name.startswith("TUPLE")
        if operation.name not in _INSTRUCTIONS:
            raise ValueError(f"the instruction {operation.name} is not admitted")
        if operation.name == "LONG_BINPUT" and argument > MAX_INSTRUCTIONS:
            raise ValueError(f"the memo index {argument} is too large")
        if count > MAX_INSTRUCTIONS:
            raise ValueError(f"it has more than {MAX_INSTRUCTIONS:,} instructions")
        if tuples > MAX_TUPLES:
            raise ValueError(f"it has more than {MAX_TUPLES:,} tuples")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> "_StandIn":
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
        self.code, self.order = _text(code), "<"
        if self.code not in _DTYPES:
            raise ValueError(f"arrays of the type {self.code[:40]!r} are not admitted")

    def __setstate__(self, state: tuple) -> None:
        order, parts = _text(state[1]), state[2:5]
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


def _encode(text: str, encoding: str) -> bytes:
    """What Python 3 writes bytes as in protocol 2."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError(f"the encoding {encoding!r} is not admitted")
    return codecs.encode(text, "latin-1")


_STAND_INS = {
    ("numpy", "ndarray"): _StandIn(_Array),
    ("numpy", "dtype"): _StandIn(_DType),
    ("numpy._core.multiarray", "_reconstruct"): _StandIn(lambda kind, shape, code: _Array()),
    ("numpy._core.numeric", "_frombuffer"): _StandIn(
        lambda raw, dtype, shape, order: _Array().fill(raw, dtype, shape, order)
    ),
    ("_codecs", "encode"): _StandIn(_encode),
}
