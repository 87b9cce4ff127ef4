"""JSON Schema as it checks configs and options: strict integers, and only known keywords."""

import math
from functools import cache, reduce
from typing import Any

import yaml
from jsonschema import Draft202012Validator, SchemaError, TypeChecker, validators

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import first_line, nearest

CONFIG = plugin_files.SCRIPTS.parent / "rules/schemas/config.schema.yaml"

ABOUT = {"title", "description", "default", "examples"}
KEYWORDS = {x for x in Draft202012Validator.VALIDATORS if x[0] != "$"} | ABOUT


def _is_integer(checker: TypeChecker, value: Any) -> bool:
    # 5.0 is an integer to JSON Schema, but no number of epochs to Python
    return isinstance(value, int) and not isinstance(value, bool)


Strict = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


@cache
def of_config() -> dict[str, Any]:
    """The schema of the config."""
    return yaml.safe_load(CONFIG.read_text())


def names_at(reference: str) -> dict[str, Any]:
    """The names that another key of the config may have, as the `enum` of an option.

    Args:
        reference: where the key stands in the config's schema, as `#/$defs/backbone/properties/x`.

    Raises:
        KeyError: there is no such key.
    """
    about = reduce(lambda part, key: part[key], reference.split("/")[1:], of_config())
    return {"enum": [name for name in about["enum"] if name is not None]}


def fault(schema: dict[str, Any]) -> str | None:
    """What is wrong with the keywords that an option's range is made of, in one sentence."""
    for name in schema:
        if name not in KEYWORDS:
            return f"'{name}' is no keyword of JSON Schema. {nearest(name, KEYWORDS)}"
    try:
        Draft202012Validator.check_schema(
            schema, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    except SchemaError as error:
        keyword = ".".join(map(str, error.absolute_path))
        return f"JSON Schema has no such '{keyword}' ({first_line(error.message)})."
    return None


def plain(value: Any) -> Any:
    """A value as a config would say it: tuples become lists.

    Raises:
        TypeError: no config could say it; the message is what it is.
    """
    if isinstance(value, list | tuple):
        return [plain(x) for x in value]
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("names that are no texts")
        return {name: plain(x) for name, x in value.items()}
    if value is None or isinstance(value, str | int) or isinstance(value, float):
        if isinstance(value, float) and not math.isfinite(value):
            raise TypeError("a number that is not finite")
        return value
    raise TypeError(f"a value of the type {type(value).__name__}")
