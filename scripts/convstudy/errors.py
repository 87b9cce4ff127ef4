"""The one exception that is meant for the user's eyes."""


class UserError(Exception):
    """Something the user can repair: a bad file, key or value.

    The message is complete: the file or key, what was found, what was expected, and what to do.
    Scripts print it without a traceback and exit with status 1.
    """


def first_line(error: Exception | str) -> str:
    """What an error of a library says, in one line of a bounded length, to be quoted in ours."""
    return str(error).strip().split("\n")[0][:300] or type(error).__name__
