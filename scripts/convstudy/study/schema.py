"""JSON Schema for config files: defaults filled in, strict numbers, one sentence for a refusal."""

import copy
import math
import re
from typing import Any

import yaml
from jsonschema import Draft202012Validator, TypeChecker, ValidationError, validators

from convstudy.foundation.errors import UserError, nearest

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
    errors = _filling(schema).iter_errors(block)
    first = min(errors, key=lambda error: len(error.absolute_path), default=None)
    if first is not None:
        raise UserError(f"config: {_explain(first, where)}")


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


def check_file(path: str) -> None:
    """Refuse a YAML file that gives a key twice: the last would silently win.

    Raises:
        UserError: with the file, the line and the key.
    """
    with open(path, encoding="utf-8") as stream:
        try:
            waiting = [yaml.compose(stream, yaml.SafeLoader)]
        except yaml.YAMLError:
            return  # Snakemake has read it already, as JSON
    seen = set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:  # an alias leads to a node again
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                waiting.append(value)
                if not isinstance(key, yaml.ScalarNode):
                    continue
                line = key.start_mark.line + 1
                if key.value in lines and key.value != "<<":
                    raise UserError(
                        f"{path}: line {line} gives the key '{key.value}' again, after line "
                        f"{lines[key.value]}: only the last would count. Put both in one block."
                    )
                lines[key.value] = line


def joined(where: str, *keys: object) -> str:
    """The dotted path of a key below `where`."""
    return ".".join([*([where] if where else []), *map(str, keys)])


def _is_integer(checker: TypeChecker, value: Any) -> bool:
    # 5.0 is an integer to JSON Schema, but no number of epochs to Python
    return isinstance(value, int) and not isinstance(value, bool)


_Strict = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def _filling(schema: Block) -> Draft202012Validator:
    """A validator that also fills in defaults, as jsonschema's documentation shows."""
    check_properties = Draft202012Validator.VALIDATORS["properties"]

    def fill(validator, properties, instance, subschema):
        if isinstance(instance, dict):
            for key, value in properties.items():
                target = value
                if "$ref" in value and "default" not in value:
                    target = schema["$defs"][value["$ref"].split("/")[-1]]
                default = target.get("default")
                empty = default in ({}, []) and key in instance and instance[key] is None
                if "default" in target and (key not in instance or empty):
                    instance[key] = copy.deepcopy(default)
        yield from check_properties(validator, properties, instance, subschema)

    return validators.extend(_Strict, {"properties": fill})(schema)


def _explain(error: ValidationError, where: str) -> str:
    """One sentence for a schema error: path, value, expectation, nearest allowed name."""
    if error.validator in ("anyOf", "oneOf"):
        error = _closest(error)
    path, value = joined(where, *error.absolute_path) or "(top level)", error.instance
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = next(key for key in value if key not in allowed)
        key = joined(where, *error.absolute_path, unknown)
        return f"unknown key '{key}' (value {value[unknown]!r}). {nearest(unknown, allowed)}"
    if error.validator == "required":
        return f"{path}: {error.message}."
    if error.validator == "enum" and isinstance(value, str):
        names = [name for name in error.validator_value if isinstance(name, str)]
        return f"{path}: {value!r} is not known. {nearest(value, names)}"
    expected = error.schema.get("description", "")
    return (
        f"{path}: {error.message}."
        + (f" Expected: {expected}." if expected else "")
        + _advice(value, error)
    )


def _closest(error: ValidationError) -> ValidationError:
    """Of the errors of all alternatives, the one of the alternative that has the value's type."""
    kinds = [x for x in error.context if x.validator == "type" and not x.relative_path]
    others = [x for x in error.context if x not in kinds]
    names = [x for x in others if x.validator == "enum"]
    if isinstance(error.instance, str) and names:
        return names[0]
    deeper = [x for x in others if x not in names]
    return (deeper or names or [error])[0]


def _advice(value: Any, error: ValidationError) -> str:
    """What YAML did to a value that is not of the expected type, and how to write it."""
    if error.validator not in ("type", "enum"):
        return ""
    expected = "string" if error.validator == "enum" else error.validator_value
    kinds = [expected] if isinstance(expected, str) else expected
    if value is None:
        return " The key is empty: give it a value, or remove it."
    if isinstance(value, bool) and "string" in kinds:
        return " To YAML, no, off, yes and on are truth values: put a name like that in quotes."
    if isinstance(value, int | float) and "string" in kinds:
        return f" A name made of digits needs quotes: '{value}'."
    if isinstance(value, str) and "string" not in kinds:
        if power := re.fullmatch(r"([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)", value):
            whole, fraction, sign, digits = power.groups()
            return (
                f" To YAML it is a text: write {whole}{fraction or '.0'}e{sign or '+'}{digits}, "
                f"with a point and a sign."
            )
        if re.fullmatch(r"[\w.+-]+", value) and not isinstance(yaml.safe_load(value), str):
            return (
                f" Write {value} without quotes. (A value nested in --config is always a text: "
                f"put it in a file and give that with --configfile.)"
            )
    return ""
