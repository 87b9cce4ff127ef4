"""What the files in `models/`, `generators/` and `readers/` offer, read without importing them.

A model, generator or reader is one file. Its entry function's keyword-only parameters are the
options a config block may give; their annotations, defaults and docstring become a JSON schema. A
range is an annotation like `Annotated[float, {"minimum": 0, "exclusiveMaximum": 1}]`, with keywords
of JSON Schema. Reading the syntax tree keeps TensorFlow out of the Snakefile.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError

# What a constant must be, and how to say so.
CONSTANTS = {
    "INPUT": (
        lambda x: x in ("images", "features", "backbone"),
        "'images', 'features' or 'backbone'",
    ),
    "OUTPUT": (lambda x: x in ("softmax", "logits"), "'softmax' or 'logits'"),
    "FILES": (
        lambda x: isinstance(x, list | tuple) and x and all(isinstance(y, str) for y in x),
        "a tuple of names, such as ('images',) with its comma",
    ),
    "NUMBERED": (lambda x: isinstance(x, bool), "True or False"),
    "FITS": (lambda x: isinstance(x, bool), "True or False"),
    "AUGMENTS": (lambda x: isinstance(x, bool), "True or False"),
}
# Arguments that the workflow fills in, never the config.
GIVEN = {"backbone"}


@dataclass(frozen=True)
class Plugin:
    """One file of a plugin folder: its module constants and its options as a JSON schema."""

    path: str
    constants: dict[str, Any]
    schema: dict[str, Any]


@cache
def describe(folder: str, kind: str) -> Plugin:
    """Read one plugin file.

    Raises:
        UserError: it is not Python, or lacks its entry function.
    """
    path = plugin_files.path(folder, kind)
    label = plugin_files.label(path)
    try:
        tree = ast.parse(path.read_text())
    except SyntaxError as error:
        raise UserError(f"{label}: line {error.lineno} is not Python ({error.msg}).") from None
    constants, entry = {}, None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                constants[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # a computed constant says nothing to the config
        elif isinstance(node, ast.FunctionDef) and node.name == plugin_files.KINDS[folder]:
            entry = node
    if entry is None:
        entry_name = plugin_files.KINDS[folder]
        raise UserError(f"{label}: has no function '{entry_name}', expected of {folder}.")
    for name, (fits, expected) in CONSTANTS.items():
        if name in constants and not fits(constants[name]):
            raise UserError(f"{label}: {name} is {constants[name]!r}, expected {expected}.")
    if folder == "readers" and "FILES" not in constants:
        raise UserError(f"{label}: has no constant FILES, expected of readers.")
    return Plugin(label, constants, _options_schema(entry))


def constant(folder: str, block: dict[str, Any], name: str) -> Any:
    """A module constant of the file that a config block names by its `kind`."""
    plugin = describe(folder, block["kind"])
    if name not in plugin.constants:
        raise UserError(f"{plugin.path}: has no constant {name}, expected of {folder}.")
    return plugin.constants[name]


def options(block: dict[str, Any]) -> dict[str, Any]:
    """The options of a config block: all its keys but `kind`."""
    return {key: value for key, value in block.items() if key != "kind"}


def _options_schema(entry: ast.FunctionDef) -> dict[str, Any]:
    """The JSON schema of a function's keyword-only parameters, described by its docstring."""
    docstring = ast.get_docstring(entry) or ""
    described = {
        name: " ".join(words.split()).rstrip(".")
        for name, words in re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", docstring, re.M)
    }
    properties = {}
    required = []
    for argument, default in zip(entry.args.kwonlyargs, entry.args.kw_defaults, strict=True):
        name = argument.arg
        if name in GIVEN:
            continue
        about = {"description": described[name]} if name in described else {}
        properties[name] = about | _schema(argument.annotation)
        if default is None:
            required.append(name)
        else:
            value = ast.literal_eval(default)
            properties[name]["default"] = list(value) if isinstance(value, tuple) else value
    schema = {"type": "object", "properties": properties, "required": required}
    return schema | {"additionalProperties": False}


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
        case ast.Subscript(
            value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, ast.Dict() as keywords])
        ):
            return _schema(kind) | ast.literal_eval(keywords)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)):
            return {"enum": [ast.literal_eval(value) for value in values]}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=value):
            return {"enum": [ast.literal_eval(value)]}
        case ast.Subscript(value=ast.Name(id="list" | "Sequence"), slice=item):
            return {"type": "array", "items": _schema(item)}
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, *_])):
            return {"type": "array", "items": _schema(item)}
    return {}
