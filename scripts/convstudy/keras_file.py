"""`.keras` files: written whole, read in safe mode, and refused with one message when damaged."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from convstudy import files, keras_zip
from convstudy.errors import UserError, first_line

MAX_RATIO = 20  # Keras does not compress; packed again, weights shrink a little


def save_model(
    model: keras.Model, path: Path | str, about: Mapping[str, Any] | None = None
) -> None:
    """Save a model as `.keras`, whole, with bytes that depend on the model (and `about`) alone."""
    with files.whole_file(path) as temporary:
        model.save(temporary)
        if about is not None:
            keras_zip.add_about(temporary, about)
        keras_zip.stable_zip(temporary)


def load_model(path: Path | str) -> keras.Model:
    """Load a model, uncompiled, in safe mode: no code that the file might hold runs.

    Raises:
        UserError: the file is missing, cut, corrupted, or holds no model that safe mode admits.
    """
    path = Path(path)
    try:
        _check_members(path)
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a bad file
        raise UserError(
            f"{path}: no .keras model can be loaded from it in safe mode ({first_line(error)}). "
            f"Where this workflow made it, delete it and run the same command again; otherwise "
            f"replace it by a good copy."
        ) from error
    if not isinstance(model, keras.Model):
        raise UserError(f"{path}: holds a {type(model).__name__}, expected a Keras model.")
    return model


def _check_members(path: Path) -> None:
    """Check sizes and checksums of the members, before Keras gives memory to any of them."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_RATIO * path.stat().st_size:
            raise ValueError(f"it unpacks to more than {MAX_RATIO} times its size")
        broken = archive.testzip()
        if broken is not None:
            raise ValueError(f"its member '{broken[:200]}' fails its checksum")
