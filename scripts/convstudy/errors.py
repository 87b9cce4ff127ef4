"""The one exception that is meant for the user's eyes."""


class UserError(Exception):
    """Something the user can repair: a bad file, key or value.

    The message is complete: the file or key, what was found, what was expected, and what to do.
    Scripts print it without a traceback and exit with status 1.
    """
