"""JSON Schema for config files: defaults filled in, strict numbers, one sentence for a refusal."""

import copy
import math
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from convstudy.foundation.errors import UserError
from convstudy.study import json_schema, mistakes

Block = dict[str, Any]


def check(block: Any, schema: Block, where: str = "") -> None:
    """Check a block of a config against a schema and fill in the schema's defaults.

    An optional section that is there but empty (`comparisons:`) counts as not given.

    Args:
        block: the block; it is changed in place.
        schema: JSON Schema of draft 2020-12; its `$ref` point into its own `$defs`.
        where: the block's path in the config, for the message.

    Raises:
        UserError: with the path, the value, what is expected and, for a name, the nearest one.
    """
    errors = _Filling(schema).iter_errors(block)
    # the first of those nearest to the top, an empty key before what stands beside it instead
    first = min(errors, key=_urgency, default=None)
    if first is not None:
        at = [*(where.split(".") if where else []), *first.absolute_path]
        raise UserError(f"config: {mistakes.explain(first, at, block, accepts(schema))}")


def _urgency(error: ValidationError) -> tuple[int, bool, str]:
    path = list(map(str, error.absolute_path))
    is_empty = error.instance is None
    return len(path) - is_empty, not is_empty, ".".join([*path, error.message])


def check_plain(value: Any, where: str = "") -> None:
    """Refuse what YAML can say and a config cannot mean: numbers as keys, NaN, dates.

    Raises:
        UserError: with the path and the value.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UserError(
                    f"config: {where or '(top level)'}: to YAML the name {key!r} is a "
                    f"{type(key).__name__} and no text (no, off, yes and on are truth values): "
                    f"put it in quotes, or choose another name."
                )
            check_plain(item, joined(where, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_plain(item, joined(where, index))
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"config: {where}: {value} is no finite number.")
    elif not isinstance(value, str | int | float | None):
        raise UserError(
            f"config: {where}: '{value}' is a {type(value).__name__} to YAML. If it is a text, put "
            f"it in quotes."
        )


def accepts(schema: Block) -> Callable[[Any, Block], bool]:
    """What tells whether a value fits a part of a schema, without filling in anything."""

    def fits(value: Any, part: Block) -> bool:
        return json_schema.Strict({"$defs": schema.get("$defs", {})} | part).is_valid(value)

    return fits


def joined(where: str, *keys: object) -> str:
    """The dotted path of a key below `where`."""
    return ".".join([*([where] if where else []), *map(str, keys)])


_check_properties = Draft202012Validator.VALIDATORS["properties"]


def _fill(validator, properties, instance, subschema):
    """Fill in defaults and check the properties, as jsonschema's documentation shows."""
    if isinstance(instance, dict):
        for key, value in properties.items():
            target = value
            if "$ref" in value and "default" not in value:
                target = validator._resolver.lookup(value["$ref"]).contents
            default = target.get("default")
            empty = default in ({}, []) and key in instance and instance[key] is None
            if "default" in target and (key not in instance or empty):
                instance[key] = copy.deepcopy(default)
    yield from _check_properties(validator, properties, instance, subschema)


# made once: jsonschema takes a millisecond to make a kind of validators
_Filling = validators.extend(json_schema.Strict, {"properties": _fill})
