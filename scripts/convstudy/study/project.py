"""A project: a config and what lies beside it."""

import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from convstudy.foundation.errors import UserError
from convstudy.study.schema import Block


def check_selected(given: Block, files: Sequence[Path | str]) -> None:
    """Refuse config files that define studies and select none: a shipped one would run.

    Args:
        given: all that the command line gives, in files or by `--config`.
        files: the config files of the command line.

    Raises:
        UserError: with the studies that they define.
    """
    studies = given.get("studies")
    if isinstance(studies, dict) and studies and "study" not in given:
        names = ", ".join(map(str, studies))
        raise UserError(
            f"config: study: {' and '.join(map(str, files))} defines the studies {names} and "
            f"selects none: write study: {next(iter(studies))} at the top level, or give --config "
            f"study=NAME."
        )


def plugins_folder(config: Block, files: Sequence[Path | str]) -> str | None:
    """The folder of the user's models, generators and readers; None without one.

    Args:
        config: `plugins` names the folder, from the config file that has this key.
        files: the config files, those that override others first. A name from the command line is
            taken from the working directory.

    Returns:
        An absolute path.
    """
    name = config.get("plugins")
    if not isinstance(name, str) or not name:
        return name  # none; or no name, which the schema refuses
    name = os.path.expanduser(name)
    for file in files:
        content = yaml.safe_load(Path(file).read_text())
        if isinstance(content, dict) and os.path.expanduser(str(content.get("plugins"))) == name:
            return os.path.abspath(Path(file).parent / name)
    return os.path.abspath(name)
