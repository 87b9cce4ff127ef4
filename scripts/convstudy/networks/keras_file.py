"""`.keras` files: written whole, read in safe mode, and refused with one message when damaged."""

import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from keras.src.backend.common import global_state

from convstudy import models
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError, first_line
from convstudy.networks import keras_zip

MAX_RATIO = 20  # Keras does not compress; packed again, weights shrink a little


def save_model(
    model: keras.Model, path: Path | str, about: Mapping[str, Any] | None = None
) -> None:
    """Save a model as `.keras`, whole, with bytes that depend on the model (and `about`) alone."""
    with atomic_files.whole_file(path) as temporary:
        model.save(temporary)
        if about is not None:
            keras_zip.add_about(temporary, about)
        keras_zip.stable_zip(temporary)


def load_model(path: Path | str, kind: str | None = None, *, foreign: bool = False) -> keras.Model:
    """Load a model, uncompiled, in safe mode: no code that the file might hold runs.

    Args:
        path: the `.keras` file.
        kind: the file in `models/` that may define layers of its own.
        foreign: no step of this workflow made it. It takes no more memory than its file tells of,
            and its layers must be Keras's own.

    Raises:
        UserError: the file is missing, cut, corrupted, or holds no model that safe mode admits.
    """
    path = Path(path)
    if kind:
        models.load(kind)
    try:
        _check_members(path)
        if foreign:
            _check_weights(path)
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


def _check_weights(path: Path) -> None:
    """Check that the file holds what its layers ask for, before Keras gives memory to them."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json")) | {"compile_config": None}
        stored = archive.getinfo("model.weights.h5").file_size
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    finally:
        # otherwise Keras would give them memory when it builds the next network
        global_state.set_global_attribute("uninitialized_variables", [])
    asked = sum(math.prod(weight.shape) for weight in getattr(model, "variables", []))
    if asked > stored:
        raise ValueError(
            f"its layers ask for {asked:,} weights, the member that holds them has {stored:,} bytes"
        )
