"""Libraries that only a few need, and that requirements.txt leaves out."""

from collections.abc import Sequence
from importlib import util

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError

REQUIREMENTS = plugin_files.SCRIPTS.parent / "requirements-records.txt"


def check(program: str, modules: Sequence[str]) -> None:
    """Refuse to go on without the modules that a program's records need.

    Raises:
        UserError: one of them is not installed in this environment.
    """
    missing = [name for name in modules if util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{program}: {', '.join(missing)} cannot be imported here. It is not among what "
            f"requirements.txt installs: pip install -r {REQUIREMENTS}"
        )
