"""What somebody meant who gave a value of another type: the rewritings that a schema accepts."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

Accepts = Callable[[Any, dict[str, Any]], bool]

# A key and its value without the space that YAML wants between them; an address is neither.
GLUED = re.compile(r"([\w.-]+):(?!//)([^\s:]+)")


def of(value: Any, schema: dict[str, Any], accepts: Accepts) -> list[Any]:
    """Other ways to write a value that a schema accepts, the likeliest first, two at most.

    Args:
        value: what was given; the schema does not accept it.
        schema: of the value.
        accepts: tells whether a value fits a schema.
    """
    kinds = [schema] if "type" in schema else schema.get("anyOf", [schema])
    found: list[Any] = []
    if value == "":
        return found  # nothing was meant
    for candidate in (x for kind in kinds for x in _candidates(value, kind, accepts)):
        if candidate not in found and accepts(candidate, schema):
            found.append(candidate)
    return found[:2]


def flow(value: Any, longest: int = 240) -> str:
    """A value as YAML in one line, cut where it is longer than `longest` characters."""
    plain = json.loads(json.dumps(value))  # Snakemake has ordered dictionaries
    text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10**6)
    text = text.removesuffix("...\n").strip()
    return text if len(text) <= longest else text[:longest] + " ..."


def _candidates(value: Any, schema: dict[str, Any], accepts: Accepts) -> Iterator[Any]:
    fewest = schema.get("minItems", 1)
    if isinstance(value, str):
        yield from _read(value)
    elif isinstance(value, float) and value.is_integer():
        yield int(value)
    elif isinstance(value, list):
        if len(value) == 1:
            yield from (value[0], value * fewest)
        yield value[: schema.get("maxItems")]
        if value and all(isinstance(x, dict) for x in value):
            yield {key: x[key] for x in value for key in x}
    elif isinstance(value, dict):
        yield list(value)
        if len(value) == 1 and isinstance(next(iter(value.values())), dict | None):
            yield next(iter(value))
    if not isinstance(value, list | dict):
        if isinstance(value, int) and 1 < value <= 10 and schema.get("uniqueItems"):
            yield list(range(value))
        yield from ([value], [value] * fewest)
    yield from _wrapped(value, schema, accepts)


def _read(text: str) -> Iterator[Any]:
    """A text as a key with its value, and as a list of what commas or an x part."""
    if glued := GLUED.fullmatch(text):
        yield {glued[1]: yaml.safe_load(glued[2])}
    for separator in (",", r"\s+", "x"):
        parts = [part for part in re.split(separator, text) if part.strip()]
        if len(parts) > 1 and all(re.fullmatch(r"[\w.]+", part.strip()) for part in parts):
            yield [yaml.safe_load(part) for part in parts]


def _wrapped(value: Any, schema: dict[str, Any], accepts: Accepts) -> Iterator[Any]:
    """Blocks with the value beneath the one key that can be meant."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    fits = [key for key, about in properties.items() if accepts(value, about)]
    strict = [key for key in fits if {"enum", "pattern"} & set(properties[key])]
    meant = [*required, schema.get("shorthand")]
    for keys in ([key for key in fits if key in meant], strict, fits):
        if len(keys) == 1:
            (key,) = keys
            texts = [x for x in required if x != key and properties[x].get("type") == "string"]
            whole = dict.fromkeys(texts, "...") | {key: value}
            yield {x: whole[x] for x in properties if x in whole}
    each = schema.get("additionalProperties")
    if isinstance(each, dict) and not isinstance(value, list | dict) and accepts(value, each):
        yield {"<name>": value}
