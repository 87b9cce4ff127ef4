"""Write the demo data in the on-disk formats of CIFAR-100 (python) and CUB-200-2010.

The same seed gives the same bytes: archives hold fixed dates, owners and modes. An archive is
written under a temporary name in its own folder and renamed when it is whole.
"""

import gzip
import io
import struct
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from convstudy.demo import birds, objects
from convstudy.foundation import atomic_files

DATE = 1_574_035_200  # 2019-11-18, the time stamp of every member
JPEG_QUALITY = 88


def write_objects(archive: Path, *, seed: int, train_per_class: int, test_per_class: int) -> None:
    """Draw the objects and write them as a CIFAR-100 archive (.tar.gz).

    Args:
        archive: the file to write; its folder is made where it is missing.
        seed: any non-negative integer.
        train_per_class: training pictures of each of the 25 classes.
        test_per_class: test pictures of each of the 25 classes.
    """
    x_train, y_train, x_test, y_test, names = objects.generate(
        seed, train_per_class, test_per_class
    )
    coarse = np.asarray(objects.COARSE_OF_CLASS)
    write_cifar100(
        archive,
        train=(x_train, y_train, coarse[y_train]),
        test=(x_test, y_test, coarse[y_test]),
        fine_names=names,
        coarse_names=list(objects.SILHOUETTES),
    )


def write_birds(
    images: Path,
    lists: Path,
    *,
    seed: int,
    first_species: int,
    species: int,
    train_per_class: int,
    test_per_class: int,
) -> None:
    """Draw birds and write them as the two archives of CUB-200-2010 (.tgz).

    Args:
        images: the archive of pictures to write.
        lists: the archive of class, file, training and test lists to write.
        seed: any non-negative integer.
        first_species: index of the first species; disjoint ranges are disjoint species.
        species: number of species.
        train_per_class: training pictures of each species.
        test_per_class: test pictures of each species.
    """
    count = train_per_class + test_per_class
    drawn = birds.generate(seed, first_species, species, count)
    rng = np.random.default_rng([seed, first_species, species, count])
    write_cub200_2010(images, lists, drawn, train_per_class, rng)


def write_cifar100(
    path: Path,
    *,
    train: tuple[np.ndarray, np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray, np.ndarray],
    fine_names: list[str],
    coarse_names: list[str],
) -> None:
    """Write a CIFAR-100 archive.

    Args:
        path: the .tar.gz to write.
        train: images, uint8 (n, 32, 32, 3), fine labels (n,) and coarse labels (n,).
        test: the same of the test split.
        fine_names: names of the fine classes.
        coarse_names: names of the coarse classes.
    """
    meta = {b"fine_label_names": fine_names, b"coarse_label_names": coarse_names}
    members = [("cifar-100-python/", None)]
    members.append(("cifar-100-python/meta", dump_python2({k: _bytes(v) for k, v in meta.items()})))
    for split, (images, fine, coarse) in (("train", train), ("test", test)):
        names = [f"{fine_names[k]}_s_{n:06d}.png" for n, k in enumerate(fine)]
        content = {
            b"filenames": _bytes(names),
            b"batch_label": f"{split}ing batch 1 of 1".encode(),
            b"fine_labels": [int(k) for k in fine],
            b"coarse_labels": [int(k) for k in coarse],
            b"data": np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1),
        }
        members.append((f"cifar-100-python/{split}", dump_python2(content)))
    _write_tar(path, members)


def write_cub200_2010(
    images_tgz: Path,
    lists_tgz: Path,
    classes: Iterable[tuple[str, list]],
    train_per_class: int,
    rng: np.random.Generator,
) -> None:
    """Write the two archives of CUB-200-2010.

    Args:
        images_tgz: the archive of pictures to write: images/NNN.Name/Name_0001_123.jpg.
        lists_tgz: the archive to write: lists/{classes,files,train,test}.txt.
        classes: names of species, each with its pictures (RGB pillow images).
        train_per_class: so many pictures of a class, drawn at random, are training pictures.
        rng: source of that choice and of the numbers in the file names.
    """
    members = [("images/", None)]
    lists: dict[str, list[str]] = {"classes": [], "files": [], "test": [], "train": []}
    for number, (name, pictures) in enumerate(classes, 1):
        folder = f"{number:03d}.{name}"
        lists["classes"].append(folder)
        members.append((f"images/{folder}/", None))
        train = set(rng.permutation(len(pictures))[:train_per_class].tolist())
        for k, picture in enumerate(pictures):
            file = f"{folder}/{name}_{k + 1:04d}_{rng.integers(10**8, 10**10)}.jpg"
            lists["files"].append(file)
            lists["train" if k in train else "test"].append(file)
            members.append((f"images/{file}", _jpeg(picture)))
    texts = [(f"lists/{k}.txt", "".join(f"{x}\n" for x in v).encode()) for k, v in lists.items()]
    _write_tar(images_tgz, members, compresslevel=1)
    _write_tar(lists_tgz, [("lists/", None), *texts])


def dump_python2(value: object) -> bytes:
    """Pickle as Python 2 did (protocol 2), the way CIFAR's own files are.

    Admits dict, list, int, bytes (a Python 2 str) and C-ordered uint8 arrays. Load it with
    `encoding="bytes"`; its only globals are numpy's `_reconstruct`, `ndarray` and `dtype`,
    which Python 3's own protocol 2 would not keep to (it wraps bytes in `_codecs.encode`).
    """
    return b"\x80\x02" + b"".join(_opcodes(value)) + b"."


def _opcodes(value: object) -> Iterator[bytes]:
    """Pickle opcodes that leave `value` on the stack."""
    if isinstance(value, dict):
        yield b"}("
        for pair in value.items():
            for part in pair:
                yield from _opcodes(part)
        yield b"u"
    elif isinstance(value, list):
        yield b"]("
        for item in value:
            yield from _opcodes(item)
        yield b"e"
    elif isinstance(value, bytes):
        yield b"T" + struct.pack("<i", len(value)) + value
    elif isinstance(value, int):
        yield b"J" + struct.pack("<i", value)
    elif isinstance(value, np.ndarray) and value.dtype == np.uint8:
        yield from _array_opcodes(value)
    else:
        raise TypeError(f"CIFAR pickles hold no {type(value).__name__}")


def _array_opcodes(array: np.ndarray) -> Iterator[bytes]:
    """Opcodes of a uint8 array: numpy's `_reconstruct`, then its state."""
    yield b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    yield b"(K\x00t" + b"U\x01b" + b"tR"  # _reconstruct(ndarray, (0,), b"b")
    yield b"(K\x01("
    for length in array.shape:
        yield from _opcodes(length)
    yield b"t"
    yield b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"  # dtype("u1", 0, 1)
    yield b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    yield b"\x89"  # not Fortran-ordered
    yield from _opcodes(array.tobytes())
    yield b"tb"


def _bytes(texts: list[str]) -> list[bytes]:
    """Encode texts as ASCII."""
    return [text.encode("ascii") for text in texts]


def _jpeg(picture) -> bytes:
    """Compress a pillow image."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _write_tar(
    path: Path, members: Iterable[tuple[str, bytes | None]], compresslevel: int = 6
) -> None:
    """Write a .tar.gz of (name, content) members; content None is a folder."""
    with (
        atomic_files.whole_file(path) as temporary,
        open(temporary, "wb") as file,
        gzip.GzipFile("", "wb", compresslevel, file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.mtime = DATE
            member.uname = member.gname = "root"
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            else:
                member.size = len(content)
            tar.addfile(member, None if content is None else io.BytesIO(content))
