"""The networks of `keras.applications`, with ImageNet weights that come from a file of ours.

Only the constructor of a network knows which weights are its own, and it fetches them with
`keras.utils.get_file`. Some constructors also build a slightly other network for them, so they are
asked for `imagenet` here too, and what they call to fetch the weights is replaced for the moment.
"""

from pathlib import Path
from unittest import mock

import keras
from keras.src.utils import file_utils

from convstudy.downloads import sources
from convstudy.downloads.sources import Source
from convstudy.foundation.errors import UserError, nearest


class _Asked(BaseException):
    """Carries what a network asked for; no constructor can take it for an error of its own."""


def make(name: str, size: tuple[int, int] | None, weights: str | None = None) -> keras.Model:
    """Build a network of `keras.applications` without its top.

    Args:
        name: the constructor's name, `ResNet50` for example.
        size: (height, width) of the images; None is the network's own.
        weights: as the constructor takes them; None draws them.

    Raises:
        UserError: there is no such network, or not for this size.
    """
    known = [x for x in dir(keras.applications) if x[0].isupper()]
    if name not in known:
        raise UserError(
            f"backbones: keras.applications has no network '{name}'. {nearest(name, known)}"
        )
    shape = (*size, 3) if size else None
    try:
        return getattr(keras.applications, name)(
            weights=weights, include_top=False, input_shape=shape
        )
    except ValueError as error:
        pixels = f" at {size[0]}x{size[1]} pixels" if size else ""
        raise UserError(f"backbones: {name}{pixels}: {error}") from error


def imagenet(name: str, size: tuple[int, int], path: Path) -> keras.Model:
    """Build a network with the ImageNet weights of a file.

    Raises:
        UserError: see `make`; or the file is not the one that Keras would have fetched.
    """
    asked = []

    def get_file(fname, origin, *, file_hash=None, **kwargs):
        asked.append(origin)
        sources.check({str(path): _checksum(file_hash)})
        return str(path)

    try:
        with mock.patch.object(file_utils, "get_file", get_file):
            return make(name, size, "imagenet")
    except (OSError, UserError) as error:
        if not asked:  # it is not the file
            raise
        raise UserError(f"{path}: not the ImageNet weights of {name}. {error}") from error


def published(name: str) -> Source:
    """Where a network's ImageNet weights (without its top) come from, as Keras has it.

    Nothing is downloaded. Keras knows no size, and no checksum of MobileNet and MobileNetV2.

    Raises:
        UserError: there is no such network.
    """

    def get_file(fname, origin, *, file_hash=None, **kwargs):
        raise _Asked(origin, file_hash)

    try:
        with mock.patch.object(file_utils, "get_file", get_file):
            make(name, None, "imagenet")
    except _Asked as asked:
        origin, file_hash = asked.args
        return Source(addresses=(origin,), **_checksum(file_hash))
    raise UserError(f"backbones: {name} has no ImageNet weights without its top.")


def _checksum(file_hash: str | None) -> dict[str, str]:
    """A checksum of Keras, which are MD5 or SHA-256 without a name, as `Source` has it."""
    if file_hash is None:
        return {}
    return {"sha256" if len(file_hash) == 64 else "md5": file_hash}
