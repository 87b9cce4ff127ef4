"""What the files in the folders of plugins offer, read without importing them.

A model, generator, step of augmentation or reader is one file. Its entry function's keyword
parameters are the options a config block may give (`plugin_signature`); constants say what else the
workflow must know. Reading the syntax tree keeps TensorFlow out of the Snakefile.
"""

import ast
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.study import plugin_signature, static_values

TRUTH = (lambda x: isinstance(x, bool), "True or False")
SIZE = (lambda x: type(x) is int and x > 0, "a whole number above 0")
WORDS = (
    lambda x: isinstance(x, list | tuple) and x and all(isinstance(y, str) for y in x),
    "a tuple of names, such as ('images',) with its comma",
)
# What a constant must be, and how to say so.
CONSTANTS = {
    "models": {
        "INPUT": (
            lambda x: x in ("images", "features", "backbone"),
            "'images', 'features' or 'backbone'",
        ),
        "OUTPUT": (lambda x: x in ("softmax", "logits"), "'softmax' or 'logits'"),
        "SMALLEST": SIZE,
    },
    "generators": {
        "FITS": TRUTH,
        "AUGMENTS": TRUTH,
        "LARGEST": SIZE,
        "RANDOM_OPTIONS": WORDS,
    },
    "augmentation": {"MIXES_LABELS": TRUTH, "PIXELS": WORDS},
    "readers": {"FILES": WORDS, "NUMBERED": TRUTH},
}
REQUIRED = {"INPUT", "FITS", "AUGMENTS", "FILES"}


@dataclass(frozen=True)
class Plugin:
    """One file of a plugin folder: its module constants and its options as a JSON schema.

    `solves` tells of a model whose weights are computed by its function `solve`, not trained.
    """

    path: str
    constants: dict[str, Any]
    schema: dict[str, Any]
    solves: bool = False


@cache
def describe(folder: str, kind: str) -> Plugin:
    """Read one plugin file.

    Raises:
        UserError: it is not Python, or it lacks its entry function or a constant, or the text does
            not tell what these or the options may be.
    """
    path = plugin_files.path(folder, kind)
    label = plugin_files.label(path)
    _, tree = plugin_files.parsed(path)
    entry = plugin_signature.entry(tree, folder, label)
    constants = static_values.constants(tree)
    _check_constants(tree, constants, folder, label)
    takes = constants.get("INPUT")
    parameters = plugin_signature.parameters(entry, folder, f"{label}: line {entry.lineno}", takes)
    schema = plugin_signature.Schemas(label, constants).of_parameters(entry, parameters)
    return Plugin(label, constants, schema, _solves(tree, folder, label, takes))


def readable(folder: str) -> Iterator[tuple[str, Plugin]]:
    """All files of a folder of plugins with their names, but for those that cannot be used."""
    for kind in plugin_files.names(folder):
        with contextlib.suppress(UserError):
            yield kind, describe(folder, kind)


def constant(folder: str, block: dict[str, Any], name: str) -> Any:
    """A required constant of the file that a config block names by its `kind`."""
    return describe(folder, block["kind"]).constants[name]


def options(block: dict[str, Any]) -> dict[str, Any]:
    """The options of a config block: all its keys but `kind`."""
    return {key: value for key, value in block.items() if key != "kind"}


def _solves(tree: ast.Module, folder: str, label: str, takes: str | None) -> bool:
    """Whether a model has a function `solve`; refuse one that does not take features."""
    found = [x for x in tree.body if isinstance(x, ast.FunctionDef) and x.name == "solve"]
    if folder != "models" or not found:
        return False
    if takes != "features":
        raise UserError(
            f"{label}: line {found[0].lineno}: a function 'solve' computes the weights of a model "
            f"on features, and INPUT is '{takes}': give the function another name."
        )
    return True


def _check_constants(
    tree: ast.Module, constants: Mapping[str, Any], folder: str, label: str
) -> None:
    """Refuse constants that are missing, that are not what they must be, or whose value is open."""
    bound = {name for statement in tree.body for name in static_values.bound(statement)}
    for name, (fits, expected) in CONSTANTS[folder].items():
        if name in constants and not fits(constants[name]):
            raise UserError(f"{label}: {name} is {constants[name]!r}, expected {expected}.")
        if name in bound and name not in constants:
            raise UserError(
                f"{label}: what {name} is cannot be told without running the file, expected "
                f"{expected}: set it once, to the value itself, at the top level and below any "
                f"`from ... import *`."
            )
        if name not in bound and name in REQUIRED:
            raise UserError(
                f"{label}: has no constant {name}, expected of {folder}: write `{name} = ` and "
                f"{expected} at the top level."
            )
