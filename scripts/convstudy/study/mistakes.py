"""One sentence for a schema error: key, what was found, what was expected, what to write."""

import re
from typing import Any

import yaml
from jsonschema import ValidationError

from convstudy.foundation.errors import closest, nearest
from convstudy.study import places, plugin_options, repairs
from convstudy.study.repairs import Accepts, flow

Block = dict[str, Any]
Path = list[Any]

KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a block of keys",
    "null": "null",
}


def explain(error: ValidationError, at: Path, block: Any, accepts: Accepts) -> str:
    """The sentence for an error.

    Args:
        error: of jsonschema, with a schema that describes its keys.
        at: path of the value in the config.
        block: what was checked, the whole config where the hint needs other parts of it.
        accepts: tells whether a value fits a part of the schema.
    """
    if error.validator in ("anyOf", "oneOf"):
        nested = _meant(error, accepts)
        at, error = [*at, *nested.relative_path] if nested is not error else at, nested
    where, value, schema = ".".join(map(str, at)) or "(top level)", error.instance, error.schema
    if error.validator == "additionalProperties":
        allowed = schema.get("properties", {})
        unknown = next(key for key in value if key not in allowed)
        advice = places.of_key(unknown, value[unknown], at, allowed)
        key = ".".join(map(str, [*at, unknown]))
        return f"unknown key '{key}' (value {_shown(value[unknown])}). {advice}"
    if error.validator == "required":
        return f"{where}: {_missing(value, schema, at)}"
    if error.validator == "enum" and isinstance(value, str):
        names = [name for name in error.validator_value if isinstance(name, str)]
        return f"{where}: {value!r} is not known. {nearest(value, names)}"
    about = schema.get("description", "")
    if error.validator not in ("type", "enum", "anyOf", "oneOf", "minItems", "maxItems"):
        return f"{where}: {error.message}." + (f" Expected: {about}." if about else "")
    found = f"the key is empty ({value})" if value is None else f"{_shown(value)} is {_kind(value)}"
    found += f", expected {_expected(schema)}"
    if error.validator in ("minItems", "maxItems"):
        found = error.message
    return f"{where}: {found}" + f" ({about})" * bool(about) + _advice(error, at, block, accepts)


def _meant(error: ValidationError, accepts: Accepts) -> ValidationError:
    """Of the errors of all alternatives, that of the one which is meant.

    It is the error itself if the value fits one of them when it is written otherwise.
    """
    value = error.instance
    kinds = [x for x in error.context if x.validator == "type" and not x.relative_path]
    others = [x for x in error.context if x not in kinds]
    names = [x for x in others if x.validator == "enum"]
    if isinstance(value, str) and names and closest(value, filter(None, names[0].validator_value)):
        return names[0]
    if repairs.of(value, error.schema, accepts):
        return error
    if isinstance(value, str) and names:
        return names[0]
    deeper = [x for x in others if x not in names]
    return (deeper or names or [error])[0]


def _advice(error: ValidationError, at: Path, block: Any, accepts: Accepts) -> str:
    """What to write in place of a value, as the end of a sentence."""
    value, schema, key = error.instance, error.schema, at[-1] if at else ""
    if value is None and (glued := repairs.GLUED.fullmatch(str(key))):
        return f": a space is missing after the colon, write {glued[1]}: {glued[2]}."
    example = places.example(at)
    shown = "" if example is None else f"for example {_pair(key, example)}"
    if value is None:
        return f": give it a value{', ' * bool(shown)}{shown}, or remove it."
    if words := _yaml_word(value, error) or _hint(value, at, block):
        return words
    found = repairs.of(value, schema, accepts)
    if found and isinstance(value, int) and found[0] == list(range(value)):
        other = "".join(f", or {flow(x)}" for x in found[1:])
        return f": write {_pair(key, found[0])} for {value} of them{other}."
    if found:
        return f": write {_pair(key, found[0])}."
    if shown:
        return f": {shown}."
    keys = schema.get("properties")
    return f": its keys are {', '.join(keys)}." if keys else "."


def _hint(value: Any, at: Path, block: Any) -> str:
    """What the sections of this config say of a value, as the end of a sentence."""
    several = isinstance(value, list) and len(value) > 1
    match at:
        case ["models", _] if found := places.application(value):
            return f". {places.as_backbone(value, found, 'models')}"
        case ["datasets", name, "files"] if isinstance(value, str | list):
            return _files(value, block["datasets"][name].get("reader"))
        case ["variants", _, "sweep", section] if isinstance(value, dict):
            swept = {f"{section}.{option}": values for option, values in value.items()}
            return f": write {_pair('sweep', swept)}."
        case ["training" as section, option] | ["variants", _, "training" as section, option] if (
            several
        ):
            pass
        case ["models" | "generators" | "backbones" as section, _, option] if several:
            section = section.removesuffix("s")
        case _:
            return ""
    swept = _pair("sweep", {f"{section}.{option}": value})
    return f": to try several values, write in a variant {swept}."


def _files(value: str | list[Any], reader: Any) -> str:
    """Paths beneath the names of the reader's files."""
    known = dict(plugin_options.readable("readers"))
    if reader not in known:
        return ""
    names = known[reader].constants["FILES"]
    paths = value if isinstance(value, list) else [value]
    files = dict(zip(names, [*paths, *["..."] * len(names)], strict=False))
    return f": write {_pair('files', files)}."


def _missing(value: Block, schema: Block, at: Path) -> str:
    key = next(x for x in schema["required"] if x not in value)
    about = schema.get("properties", {}).get(key, {}).get("description", "")
    example = places.example([*at, key])
    shown = "" if example is None else f" Write for example {_pair(key, example)}."
    return f"'{key}' is missing{f' ({about})' * bool(about)}.{shown}"


def _yaml_word(value: Any, error: ValidationError) -> str:
    """What YAML did to a word that is not of the expected type, and how to write it."""
    expected = "string" if error.validator == "enum" else error.schema.get("type", [])
    kinds = [expected] if isinstance(expected, str) else expected
    if isinstance(value, bool) and "string" in kinds:
        return ". To YAML, no, off, yes and on are truth values: put a name like that in quotes."
    if isinstance(value, int | float) and "string" in kinds:
        return f". A name made of digits needs quotes: '{value}'."
    if not isinstance(value, str) or "string" in kinds:
        return ""
    if power := re.fullmatch(r"([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)", value):
        whole, fraction, sign, digits = power.groups()
        return (
            f". To YAML it is a text: write {whole}{fraction or '.0'}e{sign or '+'}{digits}, with "
            f"a point and a sign."
        )
    if re.fullmatch(r"[\w.+-]+", value) and not isinstance(yaml.safe_load(value), str):
        return (
            f". Write {value} without quotes. (A value nested in --config is always a text: put it "
            f"in a file and give that with --configfile.)"
        )
    return ""


def _pair(key: Any, value: Any) -> str:
    return flow(value) if isinstance(key, int) else f"{key}: {flow(value)}"


def _shown(value: Any) -> str:
    return flow(value, 60) if isinstance(value, list | dict) else repr(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return {dict: "a block", list: "a list", str: "a text"}.get(type(value), "a number")


def _expected(schema: Block) -> str:
    """A schema's values in words."""
    if "enum" in schema:
        names = [str(x) for x in schema["enum"] if x is not None]
        return " or ".join(names) if len(names) < 10 else f"one of {len(names)} names"
    if "type" not in schema:
        return " or ".join(map(_expected, schema.get("anyOf", [])))
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    words = [KINDS[kind] for kind in kinds if kind != "null"]
    each = schema.get("items", {}).get("type")
    if each in ("string", "integer", "number"):
        words = [x + f" of {KINDS[each].split(' ', 1)[1]}s" * (x == "a list") for x in words]
    if "properties" not in schema:
        words = [x.replace("of keys", "of names") for x in words]
    return " or ".join(words)
