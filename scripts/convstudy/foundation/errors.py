"""The one exception that is meant for the user's eyes, and the hint that many of them end in."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can repair: a bad file, key or value.

    The message is complete: the file or key, what was found, what was expected, and what to do.
    Scripts print it without a traceback and exit with status 1.
    """


def nearest(name: object, allowed: Iterable[str]) -> str:
    """A sentence with the allowed name nearest to a mistyped one, in either case, or with all."""
    names = {word.lower(): word for word in sorted(map(str, allowed))}
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    if near:
        return f"Did you mean '{names[near[0]]}'?"
    return f"Allowed: {', '.join(names.values())}." if names else "There is none to choose from."


def first_line(error: Exception | str) -> str:
    """What an error of a library says, in one line of a bounded length, to be quoted in ours."""
    return str(error).strip().split("\n")[0][:300] or type(error).__name__
