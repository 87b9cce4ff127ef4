"""What a definition's code refers to, module by module, and its text without their names."""

import ast
import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from convstudy.foundation import digests, plugin_files
from convstudy.provenance.syntax import ON_IMPORT, Module, chain

Unit = tuple[str, str]  # dotted module (or script file), name of the definition
HANDED_ON = "="  # the text of a name that is imported from another of our modules


@dataclass(frozen=True)
class Described:
    """One unit.

    Attributes:
        text: its code, with names of definitions in place of references to them; empty for a
            module that does nothing on import.
        targets: of each reference in the text, in order: the unit that it means; several where it
            is one of them (imported on either side of a `try`) or a module as a whole.
        used: all units that it brings in, also by what modules do on import.
    """

    text: str
    targets: list[tuple[Unit, ...]]
    used: list[Unit]

    @property
    def digest(self) -> str:
        """The digest of the unit's own text."""
        return digests.of_text(self.text)


def roots() -> list[Path]:
    """Folders of our code, and of the user's where there is any."""
    own = plugin_files.own_folder()
    return [plugin_files.SCRIPTS, *([own] if own else [])]


def forget() -> None:
    """Read all files again."""
    module.cache_clear()
    described.cache_clear()


@cache
def module(name: str) -> Module | None:
    """The module of a dotted name or of a script's file; None where there is no such file."""
    for place, package in _places(name):
        for path in (place, place / "__init__.py", place.with_name(place.name + ".py")):
            if os.path.isfile(path):  # false, and no error, where a name can be no file's
                inner = (*package, place.name) if path.name == "__init__.py" else package
                return Module(path, inner)
    return None


def _places(name: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Paths without an ending that a module may have, and the package that it lies in."""
    parts = (name,) if name.endswith(".py") else tuple(name.split("."))
    for root in roots():
        yield root.joinpath(*parts), parts[:-1]
    own = plugin_files.own_folder()
    if own and parts[0] == plugin_files.PACKAGE and parts[1:2] and parts[1] in plugin_files.KINDS:
        yield own.joinpath(*parts[1:]), parts[:-1]


def is_ours(dotted: str) -> bool:
    """Whether a dotted name begins with a module or folder of ours or the user's."""
    tops = [root / dotted.split(".")[0] for root in roots()]
    return any(os.path.isfile(f"{top}.py") or top.is_dir() for top in tops)


def all_of(name: str) -> list[Unit]:
    """All units of a module, and what it does on import."""
    return [(name, unit) for unit in (*module(name).units, ON_IMPORT)]


@cache
def described(unit: Unit) -> Described:
    """The text of a unit and what it refers to."""
    name, definition = unit
    holder = module(name)
    if definition != ON_IMPORT and _hands_on(holder, definition):
        return _handed_on(holder, definition)
    nodes = holder.nodes(definition)
    bound = {local: list(meanings) for local, meanings in holder.bound.items()}
    imported = list(holder.imported) if definition == ON_IMPORT else []
    for node in nodes:
        imported += holder.imports(node)
        for local, dotted, _ in holder.bindings(node):
            bound.setdefault(local, []).append(dotted)
    taken = [x for node in nodes for _, x, _ in holder.bindings(node) if module(x) is None]
    stars = [dotted.removesuffix(".*") for dotted in imported if dotted.endswith(".*")]
    writer = _Writer(name, holder, bound)
    text = "\n".join(map(writer.written, holder.statements(definition)))
    used = [
        (name, ON_IMPORT),
        *(target for targets in writer.targets for target in targets),
        *(target for dotted in taken for target in resolved(dotted)),
        *((package, ON_IMPORT) for dotted in imported for package in _packages_of(dotted)),
        *(target for star in stars if module(star) for target in all_of(star)),
    ]
    return Described(text.strip(), writer.targets, used)


def _handed_on(holder: Module, name: str) -> Described:
    """What a name is that a module only imports from another of ours; a module has no text."""
    meanings = [tuple(resolved(dotted)) for dotted in holder.bound[name]]
    imported = [package for dotted in holder.bound[name] for package in _packages_of(dotted)]
    effects = [(package, ON_IMPORT) for package in imported]
    used = [target for targets in meanings for target in targets]
    if any(definition == ON_IMPORT for _, definition in used):
        return Described("", [], effects)
    return Described(HANDED_ON, meanings, used + effects)


class _Writer(ast.NodeTransformer):
    """Writes statements without the names of our modules, and notes what they refer to."""

    def __init__(self, name: str, holder: Module, bound: dict[str, list[str]]):
        self.name, self.holder, self.bound = name, holder, bound
        self.targets: list[tuple[Unit, ...]] = []

    def written(self, statement: ast.stmt) -> str:
        """The text of a statement; empty for an import of our own modules."""
        found = self.visit(copy.deepcopy(statement))
        return ast.unparse(ast.fix_missing_locations(found)) if found else ""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        had_body = bool(getattr(node, "body", None)) and isinstance(node.body, list)
        super().generic_visit(node)
        if had_body and not node.body:
            node.body = [ast.Pass()]
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        node.names = [alias for alias in node.names if not is_ours(alias.name)]
        return node if node.names else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        dotted = self.holder.imports(node)
        return None if dotted and is_ours(dotted[0]) else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._reference(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._reference(node)

    def _reference(self, node: ast.Name | ast.Attribute) -> ast.AST:
        """The name of the definition that a chain of names begins with, then its rest."""
        first, *rest = chain(node)
        if isinstance(getattr(node, "ctx", None), ast.Store) and not rest:
            return node
        for length in range(len(rest) + 1):
            targets = self._meant(first, rest[:length])
            if targets and (length == len(rest) or targets == self._meant(first, rest)):
                self.targets.append(tuple(targets))
                return _chained(_shown(targets, rest[:length] or [first]), rest[length:], node.ctx)
        if first in self.holder.units:
            self.targets.append(((self.name, first),))
            return node
        return node if first else super().generic_visit(node)

    def _meant(self, first: str, rest: list[str]) -> list[Unit]:
        """Units of ours that a chain means by way of an import."""
        found = [resolved(".".join([dotted, *rest])) for dotted in self.bound.get(first, [])]
        return sorted({unit for units in found for unit in units})


def _shown(targets: list[Unit], names: list[str]) -> str:
    """What stands in the text for a reference: a definition's name, or that it is a module."""
    definitions = {definition for _, definition in targets}
    if ON_IMPORT in definitions:
        return "module"
    return definitions.pop() if len(definitions) == 1 else names[-1]


def _chained(first: str, rest: list[str], ctx: ast.expr_context) -> ast.AST:
    node: ast.AST = ast.Name(first, ctx=ast.Load() if rest else ctx)
    for position, name in enumerate(rest, 1):
        node = ast.Attribute(node, name, ctx=ctx if position == len(rest) else ast.Load())
    return node


def _packages_of(dotted: str) -> list[str]:
    """Modules that Python runs to import a dotted name: its packages and itself."""
    parts = dotted.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return [name for name in names if module(name)]


def resolved(dotted: str) -> list[Unit]:
    """The units that a dotted name means, by way of all modules that hand it on."""
    return list(dict.fromkeys(_resolve(dotted)))


def _resolve(dotted: str, seen: frozenset[str] = frozenset()) -> Iterator[Unit]:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        holder = module(name)
        if holder is None:
            continue
        first, *rest = parts[length:] or [None]
        if first in holder.units and not _hands_on(holder, first):
            yield name, first
        elif first not in holder.bound:  # the module itself is handed on: all of it counts
            yield from all_of(name)
        for origin in holder.bound.get(first, []):
            if dotted not in seen:
                yield from _resolve(".".join([origin, *rest]), seen | {dotted})
        return


def _hands_on(holder: Module, name: str) -> bool:
    """Whether a name of a module is nothing but an import of ours."""
    statements = holder.units[name]
    return all(isinstance(x, ast.Import | ast.ImportFrom) for x in statements) and all(
        is_ours(dotted) for dotted in holder.bound.get(name, [])
    )
