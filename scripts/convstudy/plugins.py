"""What the files in `models/`, `generators/` and `readers/` offer, read without importing them.

A model, generator or reader is one file. Its entry function's keyword-only parameters are the
options a config block may give; their annotations and defaults become a JSON schema. Reading the
syntax tree keeps TensorFlow out of the Snakefile.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
ENTRY = {"models": "build", "generators": "make", "readers": "open_reader"}
# Arguments that the workflow fills in, never the config.
GIVEN = {"backbone"}


@dataclass(frozen=True)
class Plugin:
    """One file of a plugin folder: its module constants and its options as a JSON schema."""

    constants: dict[str, Any]
    schema: dict[str, Any]
    defaults: dict[str, Any]


def available(folder: str) -> list[str]:
    """Names of the files in a plugin folder, which are the allowed values of `kind`."""
    return sorted(p.stem for p in (PACKAGE / folder).glob("*.py") if not p.stem.startswith("_"))


@cache
def describe(folder: str, kind: str) -> Plugin:
    """Read one plugin file; raise `ValueError` when it lacks its entry function."""
    tree = ast.parse((PACKAGE / folder / f"{kind}.py").read_text())
    constants, entry = {}, None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                constants[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # a computed constant says nothing to the config
        elif isinstance(node, ast.FunctionDef) and node.name == ENTRY[folder]:
            entry = node
    if entry is None:
        raise ValueError(f"{folder}/{kind}.py has no function '{ENTRY[folder]}'")
    properties, defaults = {}, {}
    for argument, default in zip(entry.args.kwonlyargs, entry.args.kw_defaults, strict=True):
        if argument.arg in GIVEN:
            continue
        properties[argument.arg] = _schema(argument.annotation)
        if default is not None:
            defaults[argument.arg] = _listed(ast.literal_eval(default))
    required = sorted(set(properties) - set(defaults))
    schema = {"type": "object", "properties": properties, "required": required}
    return Plugin(constants, schema | {"additionalProperties": False}, defaults)


def constant(folder: str, block: dict[str, Any], name: str) -> Any:
    """A module constant of the file that a config block names by its `kind`."""
    return describe(folder, block["kind"]).constants[name]


def options(block: dict[str, Any]) -> dict[str, Any]:
    """The options of a config block: all its keys but `kind`."""
    return {key: value for key, value in block.items() if key != "kind"}


def _listed(value: Any) -> Any:
    """A default as JSON has it: a tuple becomes a list."""
    return list(value) if isinstance(value, tuple) else value


def _schema(annotation: ast.expr | None) -> dict[str, Any]:
    """The JSON schema of a simple annotation; an annotation it does not know admits anything."""
    simple = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}
    match annotation:
        case ast.Name(id=name) if name in simple:
            return {"type": simple[name]}
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return {"anyOf": [_schema(left), _schema(right)]}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)):
            return {"enum": [ast.literal_eval(value) for value in values]}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=value):
            return {"enum": [ast.literal_eval(value)]}
        case ast.Subscript(value=ast.Name(id="list" | "Sequence"), slice=item):
            return {"type": "array", "items": _schema(item)}
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, *_])):
            return {"type": "array", "items": _schema(item)}
    return {}
