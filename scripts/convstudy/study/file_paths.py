"""The paths of the files that a config names, each under one spelling.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import os
import re
from pathlib import Path

from convstudy.foundation.errors import UserError, nearest
from convstudy.study import plugin_options
from convstudy.study.schema import Block


def check(where: str, block: Block) -> None:
    """Refuse a data set's files that its reader does not know or lacks, and one file for two.

    Raises:
        UserError: with the key, what was found and what to do.
    """
    needed = plugin_options.describe("readers", block["reader"]).constants["FILES"]
    for name in [*block["files"], *needed]:
        if name not in needed:
            raise UserError(f"config: unknown key '{where}.files.{name}'. {nearest(name, needed)}")
        if name not in block["files"]:
            raise UserError(
                f"config: {where}.files: '{name}' is missing; reader '{block['reader']}' reads "
                f"{', '.join(needed)}."
            )
    block["files"] = {
        name: plain(f"{where}.files.{name}", path) for name, path in block["files"].items()
    }
    roles: dict[str, str] = {}
    for name, path in block["files"].items():
        other = roles.setdefault(path, name)
        if other != name and not Path(path).is_dir():
            raise UserError(
                f"config: {where}.files: '{other}' and '{name}' are the same file '{path}'. Name "
                f"one file each; if it holds both, unpack it and name the folder twice."
            )


def plain(where: str, path: str) -> str:
    """The one spelling of a path, from the home folder on where it begins with `~`.

    Snakemake compares paths as texts: `./a` and `a/` would not be the `a` that a rule makes.
    """
    if re.search(r"\{.*\}", path, re.DOTALL):
        raise UserError(
            f"config: {where}: '{path}' has braces in it, which Snakemake takes for a wildcard. "
            f"Rename this file or folder, or make a link to it whose path has no braces."
        )
    if path.startswith("s3://"):
        return f"s3://{Path(path.removeprefix('s3://'))}"
    return str(Path(os.path.expanduser(path)))


def all_plain(where: str, blocks: Block) -> Block:
    """The blocks of files under the one spelling of their paths."""
    spelled: dict[str, str] = {}
    for path in blocks:
        other = spelled.setdefault(plain(where, path), path)
        if other != path:
            raise UserError(
                f"config: {where}: '{other}' and '{path}' are the same file. Remove one of them."
            )
    return {spelling: blocks[path] for spelling, path in spelled.items()}
