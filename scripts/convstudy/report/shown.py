"""The selected study among several: its pages and pictures under the names that people look for."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from convstudy.foundation.errors import UserError

PLOTS = "plots"


def show(sources: Sequence[str], targets: Sequence[str]) -> None:
    """Copy files of a study's folder, and make `plots` beside the targets a link to its pictures.

    Raises:
        UserError: there is a file or folder `plots`, which is not ours to replace.
    """
    for source, target in zip(sources, targets, strict=True):
        shutil.copyfile(source, target)
    here, folder = Path(targets[0]).parent, Path(sources[0]).parent
    link, temporary = here / PLOTS, here / f".part.{PLOTS}"
    if link.exists() and not link.is_symlink():
        raise UserError(
            f"{link}: is no link to the pictures of the selected study, which belongs there "
            f"(earlier versions had a folder of pictures). Move it away or delete it, and run the "
            f"same command again."
        )
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(folder / PLOTS, here))
    os.replace(temporary, link)
