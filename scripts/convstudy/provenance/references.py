"""What a definition's code refers to, and its text without the names of our modules."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from convstudy.provenance import bound_names, modules, syntax_nodes
from convstudy.provenance.modules import WHOLE, Unit, meaning, module
from convstudy.provenance.syntax import ON_IMPORT, Module, chain

MARK = "§"  # begins what stands for a reference; no name of Python's can
DEEP = 20_000  # frames; code that a program wrote nests deeper than Python's limit for recursion


@dataclass(frozen=True)
class Described:
    """One unit.

    Attributes:
        text: its code, with marks in place of what imports of ours bring; empty for a module that
            does nothing on import.
        targets: of each reference in the text, in order: the unit that it means; several where it
            may be either, as a name that is imported and then defined again.
        effects: modules whose import the unit causes, as units; what they do counts.
    """

    text: str
    targets: list[tuple[Unit, ...]]
    effects: list[Unit]


@cache
def described(unit: Unit) -> Described:
    """The text of a unit and what it refers to."""
    name, definition = unit
    holder = module(name)
    if definition == WHOLE:
        return _whole(name, holder)
    nodes = holder.nodes(definition)
    imported = [x for node in nodes for x in holder.imports(node) + holder.imported_by_call(node)]
    imported += holder.imported if definition == ON_IMPORT else []
    effects = [(name, ON_IMPORT)] + [(x, ON_IMPORT) for y in imported for x in modules.loaded_by(y)]
    with _deep():
        writer = _Writer(name, holder, nodes)
        text = writer.written(holder.statements(definition))
        if definition != ON_IMPORT and holder.effects:
            writer.targets.insert(0, ((name, ON_IMPORT),))  # may set what the unit reads
    return Described(text, writer.targets, effects)


@contextmanager
def _deep() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _whole(name: str, holder: Module) -> Described:
    """All that a module has under its names, for whoever takes the module as a value."""
    names = sorted({*holder.units, *holder.bound})
    found = [(local, modules.in_module(name, local)) for local in names]
    targets = [tuple(units) for _, (units, _) in found]
    stars = [((star, WHOLE),) for star in holder.stars if module(star)]
    effect = [((name, ON_IMPORT),)]
    return Described("\n".join([*names, MARK * len(stars)]), [*targets, *stars, *effect], [])


class _Writer(ast.NodeTransformer):
    """Writes statements without the names of our modules, and notes what they refer to."""

    def __init__(self, name: str, holder: Module, nodes: list[ast.AST]):
        self.name, self.holder = name, holder
        self.targets: list[tuple[Unit, ...]] = []
        self.local = bound_names.in_any_scope(nodes)
        self.sources: dict[str, list[str]] = {}
        for node in nodes:
            for local, dotted, _ in holder.bindings(node):
                self._add_source(local, dotted)
        for local, meanings in holder.bound.items():
            for dotted in meanings:
                self._add_source(local, dotted)

    def _add_source(self, local: str, dotted: str) -> None:
        found = self.sources.setdefault(local, [])
        if dotted not in found:
            found.append(dotted)

    def written(self, statements: list[ast.stmt]) -> str:
        """The text of statements."""
        found = self._body(statements)
        return "\n".join(ast.unparse(ast.fix_missing_locations(x)) for x in found)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """A copy of the node, as the tree is the module's."""
        return type(node)(**{x: self._copied(y) for x, y in syntax_nodes.fields(node).items()})

    def _copied(self, value: Any) -> Any:
        """The value of a node's field: nodes, names, constants or lists of them."""
        if isinstance(value, ast.AST):
            return self.visit(value)
        if not isinstance(value, list):
            return value
        if value and isinstance(value[0], ast.stmt):
            return self._body(value)
        return [self.visit(x) if isinstance(x, ast.AST) else x for x in value]

    def _body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Statements with marks for imports of ours; those of one run of imports in one order.

        A module that is moved stands elsewhere among the sorted imports, and that is no change.
        """
        found: list[ast.stmt] = []
        run: list[tuple[str, ast.stmt, tuple[Unit, ...]]] = []

        def end_of_run() -> None:
            for _, mark, targets in sorted(run, key=lambda one: one[0]):
                found.append(mark)
                self.targets.append(targets)
            run.clear()

        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                ours, foreign = self._split(statement)
                run += ours
                found += foreign
            else:
                end_of_run()
                found.append(self.visit(statement))
        end_of_run()
        return found

    def _split(self, statement: ast.Import | ast.ImportFrom) -> tuple[list, list[ast.stmt]]:
        """Marks for what an import takes from us, and an import of the rest."""
        stars = [x for x in self.holder.imports(statement) if x.endswith(".*")]
        if stars and module(stars[0].removesuffix(".*")):
            star = stars[0].removesuffix(".*")
            return [("", _marked("star"), ((star, WHOLE),))], []
        ours, foreign = [], []
        for local, dotted, one in self.holder.bindings(statement):
            full = self.holder.imports(one)[0]
            if modules.is_ours(full):
                ours.append((local, *self._mark(local, dotted, full)))
            else:
                foreign.append(one)
        # by the alias where it says more than that a module is imported
        ours = [(local if isinstance(x, ast.Assign) else "", x, t) for local, x, t in ours]
        return ours, foreign if ours or not stars else [statement]

    def _mark(self, local: str, dotted: str, full: str) -> tuple[ast.stmt, tuple[Unit, ...]]:
        targets, rest = meaning(dotted)
        loads = tuple((x, ON_IMPORT) for x in modules.loaded_by(full) if module(x).effects)
        if targets == [(full, WHOLE)] and not self._is_ambiguous(local):
            return _marked("import"), loads  # each use of it says what it means
        shown = ast.Name(_shown(targets, rest), ast.Load())
        return ast.Assign([ast.Name(local, ast.Store())], shown), (*targets, *loads)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        for dotted in filter(module, self.holder.imported_by_call(node)):
            self.targets.append(((dotted, WHOLE),))  # what is taken from it is not said here
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if isinstance(node.ctx, ast.Store) else self._reference(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._reference(node)

    def _reference(self, node: ast.Name | ast.Attribute) -> ast.AST:
        """A mark for what a chain of names means by way of an import; else the chain itself."""
        first, *rest = chain(node)
        if not first:
            return self.generic_visit(node)
        ours = [x for x in self.sources.get(first, []) if modules.is_ours(x)]
        if ours and not self._is_ambiguous(first):
            targets, left = meaning(".".join([*ours, *rest]))
            self.targets.append(tuple(targets))
            return ast.Name(_shown(targets, left), node.ctx)
        for dotted in ours:
            self.targets.append(tuple(meaning(".".join([dotted, *rest]))[0]))
        targets, _ = modules.in_module(self.name, first)
        self.targets += [tuple(targets)] if targets else []
        if first in self.holder.units and first not in self.local | self.sources.keys():
            return ast.Name(MARK + ".".join([first, *rest]), node.ctx)
        return node

    def _is_ambiguous(self, name: str) -> bool:
        """Whether a name may mean something else than one import says."""
        redefined = name in self.holder.units and not modules.hands_on(self.holder, name)
        foreign_only = not any(map(modules.is_ours, self.sources.get(name, [])))
        return (
            name in self.local
            or len(self.sources.get(name, [])) > 1
            or (redefined and not foreign_only)
        )


def _marked(word: str) -> ast.stmt:
    return ast.Expr(ast.Name(f"{MARK}{word}", ast.Load()))


def _shown(targets: list[Unit], rest: tuple[str, ...]) -> str:
    """A reference in the text: the name of a definition, or that it is a module, and the rest."""
    names = {definition for _, definition in targets}
    first = names.pop() if len(names) == 1 else "several"
    return MARK + ".".join(["module" if first == WHOLE else first, *rest])
