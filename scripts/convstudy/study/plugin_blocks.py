"""Blocks of the config that name a file of a plugin folder by its kind, and give its options.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import os
import re
from pathlib import Path

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.study import places, plugin_options, schema
from convstudy.study.schema import Block


def check(folder: str, kind: str, where: str, options: Block, prefix: str) -> None:
    """Check that a plugin file is there, and the options of a block against it; fill them."""
    if not re.fullmatch(r"[^./\\\0]+", kind):
        raise UserError(
            f"config: {where}: '{kind}' is no name that Python could import: expected that of a "
            f"file in {folder}/ without its .py, and no dot or slash. Rename the file."
        )
    if not plugin_files.path(folder, kind).is_file():
        found = next(filter(os.path.lexists, _files(folder, kind)), None)
        raise UserError(
            f"config: {where}: {plugin_files.label(found)} is a "
            f"{'folder' if found.is_dir() else 'link that leads nowhere'}, expected a file."
            if found
            else f"config: {where}: there is no file "
            + " or ".join(map(plugin_files.label, _files(folder, kind)))
            + f". {places.of_kind(folder, kind)}"
        )
    schema.check(options, plugin_options.describe(folder, kind).schema, prefix)


def _files(folder: str, kind: str) -> list[Path]:
    """Where a file of that name is looked for."""
    return [x / f"{kind}.py" for x in plugin_files.folders(folder)]
