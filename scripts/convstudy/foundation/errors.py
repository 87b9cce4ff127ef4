"""The one exception that is meant for the user's eyes, and the hint that many of them end in."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can repair: a bad file, key or value.

    The message is complete: the file or key, what was found, what was expected, and what to do.
    Scripts print it without a traceback and exit with status 1.
    """


def closest(name: object, allowed: Iterable[str]) -> str | None:
    """The allowed name that a mistyped one resembles, in either case; None if none does."""
    names = {word.lower(): word for word in sorted(map(str, allowed))}
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    return names[near[0]] if near else None


def nearest(name: object, allowed: Iterable[str]) -> str:
    """A sentence with the allowed name nearest to a mistyped one, or with all."""
    names = sorted(map(str, allowed))
    if near := closest(name, names):
        return f"Did you mean '{near}'?"
    return f"Allowed: {', '.join(names)}." if names else "There is none to choose from."


def first_line(error: Exception | str) -> str:
    """What an error of a library says, in one line of a bounded length, to be quoted in ours."""
    return str(error).strip().split("\n")[0][:300] or type(error).__name__
