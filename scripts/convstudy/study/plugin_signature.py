"""The function that makes a file a plugin, and its options as a JSON schema.

Options are the parameters that a config block can give by their names: those behind what the
workflow gives itself. A range is an annotation like `Annotated[float, {"minimum": 0,
"exclusiveMaximum": 1}]`, with keywords of JSON Schema.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.study import json_schema, static_values

# Arguments that the workflow gives by position, before the options.
POSITIONAL = {
    "models": ["input_shape", "classes"],
    "generators": [],
    "augmentation": [],
    "readers": ["files"],
}
# Keys of a block beside its options, and what they do there.
RESERVED = {
    "models": {"kind": "names the file"},
    "generators": {"kind": "names the file", "augmentation": "lists steps"},
    "augmentation": {"kind": "names the file"},
    "readers": {},
}
BACKBONE = "backbone"  # given by name, to models that take one, and never by the config
SIMPLE = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}
# Keys of the config whose names an option may share, by a `$ref` in its annotation.
REFERENCES = ("#/$defs/backbone/properties/application",)
TOLD = (
    "expected numbers, texts, True, False, None, lists or tuples of such, or names of the top "
    "level that stand for such"
)

Parameters = dict[str, tuple[ast.arg, ast.expr | None]]


def entry(tree: ast.Module, folder: str, label: str) -> ast.FunctionDef:
    """The function of a file that the workflow calls.

    Raises:
        UserError: there is none, or it is there in another way than by a plain `def`.
    """
    name = plugin_files.KINDS[folder]
    found = [statement for statement in tree.body if name in static_values.bound(statement)]
    if not found:
        raise UserError(f"{label}: has no function '{name}', expected of {folder}.")
    for statement in found:
        if not isinstance(statement, ast.FunctionDef):
            given = ", ".join(POSITIONAL[folder])
            raise UserError(
                f"{label}: line {statement.lineno}: '{name}' comes from `{_short(statement)}`, "
                f"expected a plain `def {name}({given})` at the top level, because its options are "
                f"read without running the file: write one that calls yours."
            )
    return found[-1]


def parameters(function: ast.FunctionDef, folder: str, where: str, takes: str | None) -> Parameters:
    """The parameters that are options: argument and default by name.

    Args:
        function: the one that the workflow calls.
        folder: one of those of plugins.
        where: file and line, for messages.
        takes: of a model, its constant `INPUT`.

    Raises:
        UserError: the workflow could not call it, or a config not give one of its options.
    """
    given, spec = POSITIONAL[folder], function.args
    first = [*spec.posonlyargs, *spec.args]
    if len(first) < len(given) and not spec.vararg:
        raise UserError(
            f"{where}: '{function.name}' takes {len(first)} arguments by position, expected "
            f"{len(given)}: write `def {function.name}({', '.join(given)})`, and options behind."
        )
    for argument in spec.posonlyargs[len(given) :]:
        raise UserError(
            f"{where}: option '{argument.arg}' stands before the `/`, so no config can give it by "
            f"its name: put a `*` before it in place of the `/` behind it."
        )
    defaults = [*[None] * (len(first) - len(spec.defaults)), *spec.defaults]
    pairs = [*zip(first, defaults, strict=True)][len(given) :]
    pairs += zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    found = {argument.arg: (argument, default) for argument, default in pairs}
    if folder == "models":
        _take_backbone(found, where, takes, more=spec.kwarg is not None)
    for name, does in RESERVED[folder].items():
        if name in found:
            raise UserError(
                f"{where}: an option cannot be called '{name}', which {does} in the config: choose "
                f"another name."
            )
    return found


def _take_backbone(found: Parameters, where: str, takes: str | None, more: bool) -> None:
    """Take the backbone out of the options; refuse one that is not taken, or never given."""
    backbone = found.pop(BACKBONE, None)
    if takes == BACKBONE and backbone is None and not more:
        raise UserError(
            f"{where}: 'build' takes no '{BACKBONE}', expected where INPUT is '{BACKBONE}': add "
            f"`*, {BACKBONE}` behind 'classes'."
        )
    if takes != BACKBONE and backbone and backbone[1] is None:
        raise UserError(
            f"{where}: 'build' needs a '{BACKBONE}', which is given only where INPUT is "
            f"'{BACKBONE}', and it is '{takes}': correct INPUT, or remove the parameter."
        )


@dataclass(frozen=True)
class Schemas:
    """JSON schemas of a file's annotations.

    Attributes:
        label: what messages call the file.
        constants: values of the names of its top level.
    """

    label: str
    constants: Mapping[str, Any]

    def of_parameters(self, function: ast.FunctionDef, options: Parameters) -> dict[str, Any]:
        """The schema of a block of options, described by the function's docstring.

        Raises:
            UserError: the text does not tell a default or a range, or a config could not say it.
        """
        docstring = ast.get_docstring(function) or ""
        described = {
            name: " ".join(words.split()).rstrip(".")
            for name, words in re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", docstring, re.M)
        }
        properties, required = {}, []
        for name, (argument, default) in options.items():
            about = {"description": described[name]} if name in described else {}
            about |= self._of_annotation(argument.annotation, name)
            if default is None:
                required.append(name)
            else:
                about["default"] = self._default(argument, default, about)
            properties[name] = about
        schema = {"type": "object", "properties": properties, "required": required}
        return schema | {"additionalProperties": False}

    def _default(self, argument: ast.arg, node: ast.expr, about: dict[str, Any]) -> Any:
        """The default of an option, which its own annotation must admit."""
        name = argument.arg
        found = self._value(node, f"the default of option '{name}'")
        if not json_schema.Strict(about).is_valid(found):
            raise UserError(
                f"{self._where(node)}: the default of option '{name}' is {_short(node)}, which its "
                f"annotation `{_short(argument.annotation)}` does not admit: correct one of them"
                + (", or write `... | None`." if found is None else ".")
            )
        return found

    def _of_annotation(self, annotation: ast.expr | None, name: str) -> dict[str, Any]:
        """The schema of a simple annotation; one that it does not know admits anything."""
        match annotation:
            case ast.Constant(value=None):
                return {"type": "null"}
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return {"anyOf": [self._of_annotation(x, name) for x in (left, right)]}
            case ast.Subscript(value=kind, slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                return self._of_generic(_last_name(kind), parts, name)
        kind = _last_name(annotation)
        return {"type": SIMPLE[kind]} if kind in SIMPLE else {}

    def _of_generic(self, kind: str, parts: list[ast.expr], name: str) -> dict[str, Any]:
        match kind:
            case "Annotated":
                found = self._of_annotation(parts[0], name)
                for part in parts[1:]:
                    found |= self._keywords(part, name)
                return found
            case "Literal":
                return {"enum": [self._value(x, f"a value of option '{name}'") for x in parts]}
            case "Optional":
                return {"anyOf": [self._of_annotation(parts[0], name), {"type": "null"}]}
            case "Union":
                return {"anyOf": [self._of_annotation(x, name) for x in parts]}
            case "list" | "List" | "Sequence" | "tuple" | "Tuple" if parts:
                return {"type": "array", "items": self._of_annotation(parts[0], name)}
        return {}

    def _keywords(self, node: ast.expr, name: str) -> dict[str, Any]:
        """The keywords of JSON Schema in an annotation; what is no `dict` is not for us."""
        told = self.constants.get(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(node, ast.Dict) and not isinstance(told, dict):
            return {}
        found = self._value(node, f"the range of option '{name}'")
        if found.get("$ref") in REFERENCES:
            return json_schema.names_at(found["$ref"])
        if fault := json_schema.fault(found):
            raise UserError(
                f"{self._where(node)}: the range of option '{name}' is `{_short(node)}`: {fault}"
            )
        return found

    def _value(self, node: ast.expr, what: str) -> Any:
        """What an expression says, as a config would say it."""
        try:
            found = static_values.value(node, self.constants)
        except static_values.NotTold:
            raise UserError(
                f"{self._where(node)}: {what} is `{_short(node)}`, which cannot be told without "
                f"running the file; {TOLD}."
            ) from None
        try:
            return json_schema.plain(found)
        except TypeError as error:
            raise UserError(
                f"{self._where(node)}: {what} is `{_short(node)}`, and no config could say "
                f"{error}; {TOLD}."
            ) from None

    def _where(self, node: ast.AST) -> str:
        return f"{self.label}: line {node.lineno}"


def _last_name(node: ast.expr | None) -> str:
    """The name of a type, also as `typing.Annotated`; empty for anything else."""
    return getattr(node, "attr", getattr(node, "id", ""))


def _short(node: ast.AST) -> str:
    """The first line of what a node says, in a bounded length."""
    first, *more = ast.unparse(node).split("\n")
    return first if len(first) < 60 and not more else f"{first[:60]} ..."
