"""Which kinds of image files are read, and what the bytes of a file say that it is.

The endings decide which files of a folder are images; the first bytes decide how one is read, so a
file with another format's ending is read, too.
"""

import importlib
import re
from typing import BinaryIO

ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".jpf", ".heic", ".heif"),
)
# Of images that are not read: a run must not pass them over as if they were other files.
UNREAD_ENDINGS = tuple(
    ".cr2 .cr3 .nef .nrw .arw .orf .rw2 .raf .pef .dng .raw .svg .psd .xcf .eps .ai .pdf .exr .hdr "
    ".dcm .dicom .nii .nii.gz .mha .nrrd .jxl .tga .ico .dds .fits .czi .nd2 .svs .ndpi".split()
)
# As Pillow calls them.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000", "HEIF")
HEAD = 512  # bytes that tell what a file is


def _compiled(flags: re.RegexFlag, *kinds: tuple[bytes, str]) -> tuple:
    return tuple((re.compile(pattern, flags), name) for pattern, name in kinds)


_IMAGES = _compiled(
    re.DOTALL,
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"BM", "BMP"),
    (rb"GIF8[79]a", "GIF"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"P[1-6f][\s#]", "PPM"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG2000"),
    (rb"....ftyp(avi[fs]|(mif1|msf1|miaf)....(....){0,9}?avif)", "AVIF"),
    (rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1|miaf)", "HEIF"),
)
_OTHERS = _compiled(
    re.DOTALL | re.IGNORECASE,
    (rb"\s*(<!doctype html|<html|<head)", "a web page"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg|<svg)", "a drawing (SVG)"),
    (rb"PK(\x03\x04|\x05\x06)", "a ZIP archive"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (rb"Rar!", "a RAR archive"),
    (rb"%PDF", "a PDF document"),
    (rb"8BPS", "a Photoshop document"),
    (rb"\x89HDF", "an HDF5 file"),
    (rb"\x93NUMPY", "a NumPy array"),
    (rb".{128}DICM", "a DICOM file"),
    (rb"....ftyp", "a video"),
    (rb"version https://git-lfs", "a pointer of Git LFS, in place of the file"),
)


def format_of(head: bytes) -> str | None:
    """The image format that a file's first bytes tell, one of `FORMATS`; None for another file."""
    return _first(_IMAGES, head)


def described(head: bytes) -> str:
    """What a file is that is no image, by its first `HEAD` bytes: "empty", "a web page", ..."""
    if not head:
        return "empty"
    if not head.strip(b"\0"):
        return "nothing but zeros"
    if known := _first(_OTHERS, head):
        return known
    # A letter of several bytes may be cut at the end of the head.
    text = head.decode("utf-8", "ignore")
    readable = len(text.encode()) > len(head) - 4 and re.fullmatch(r"[^\0-\x08\x0e-\x1f]*", text)
    return "a text" if readable else "of an unknown format"


def _first(kinds: tuple[tuple[re.Pattern[bytes], str], ...], head: bytes) -> str | None:
    return next((name for pattern, name in kinds if pattern.match(head)), None)


def is_cut(stream: BinaryIO, kind: str) -> bool:
    """Tell whether an image file ends too early, as far as its format shows that at the end."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - HEAD))
    tail = stream.read().rstrip(b"\0")
    stream.seek(0)
    head = stream.read(8)
    if kind == "WEBP":
        return int.from_bytes(head[4:8], "little") + 8 > size
    if kind == "BMP":
        return int.from_bytes(head[2:6], "little") > size
    ends = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82", "GIF": b";"}
    return ends[kind] not in tail if kind in ends else kind in ("AVIF", "HEIF") and _box_cut(stream)


def _box_cut(stream: BinaryIO) -> bool:
    """Tell whether a box of an ISO media file claims more bytes than there are."""
    size, position = stream.seek(0, 2), 0
    for _ in range(100):
        stream.seek(position)
        length = int.from_bytes(stream.read(8)[:4], "big")
        if length < 8 or position + length >= size:
            return length >= 8 and position + length > size
        position += length
    return False


def register_heif() -> None:
    """Teach Pillow to read HEIC files, which needs a library of its own.

    Raises:
        ImportError: the library is not there.
    """
    # One thread: the workflow runs as many jobs as there are cores.
    importlib.import_module("pillow_heif").register_heif_opener(thumbnails=False, decode_threads=1)
