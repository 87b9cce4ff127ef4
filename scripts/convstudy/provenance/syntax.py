"""What the syntax tree of one file says: its definitions, its imports, what it does on import."""

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from convstudy.foundation import plugin_files
from convstudy.provenance import log_messages, syntax_nodes

ON_IMPORT = "on import"
# Decorators that only wrap; any other may register its function somewhere when it is imported.
PURE_DECORATORS = {"cache", "contextmanager", "dataclass", "lru_cache"}
IMPORTERS = {"import_module", "__import__"}


class Module:
    """The units of one file, and the names that its imports bind.

    Attributes:
        path: the file.
        source: its bytes.
        package: the names of the packages that the file lies in.
        units: statements by the name that they define, or import.
        effects: statements that do something when the module is imported.
        bound: what the names that imports bind mean; one may come from either side of a `try`.
        imported: dotted names of all that top-level imports have Python import.
        stars: modules that are imported with a star, in order.
        packages: what imports anywhere in the file take from, but for Python's own library.

    Raises:
        UserError: the file cannot be read, or is not Python.
    """

    def __init__(
        self,
        path: Path,
        source: bytes | None,
        package: tuple[str, ...],
        is_ours: Callable[[str], bool],
    ):
        self.path = path
        self.package = package
        self.units: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []
        self.bound: dict[str, list[str]] = {}
        self.imported: list[str] = []
        self.stars: list[str] = []
        self.source, tree = plugin_files.parsed(path, source)
        tree = log_messages.without(_without_docstrings(tree))
        everywhere = {dotted for node in syntax_nodes.below(tree) for dotted in self.imports(node)}
        self.packages = {dotted.split(".")[0] for dotted in everywhere} - sys.stdlib_module_names
        for statement in tree.body:
            self._add(statement)
        self.effects = self._effects(tree.body, is_ours)

    def _add(self, statement: ast.stmt) -> None:
        """Sort a top-level statement into what it defines and what it does."""
        defined = dict.fromkeys(_defined(statement), statement)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            defined = {local: one for local, _, one in self.bindings(statement)}
            self.imported += self.imports(statement)
        for unit, one in defined.items():
            self.units.setdefault(unit, []).append(one)
        for node in [] if _is_function_or_class(statement) else syntax_nodes.below(statement):
            for local, dotted, _ in self.bindings(node):
                self.bound.setdefault(local, []).append(dotted)
            stars = [dotted for dotted in self.imports(node) if dotted.endswith(".*")]
            self.stars += [dotted.removesuffix(".*") for dotted in stars]

    def _effects(self, body: list[ast.stmt], is_ours: Callable[[str], bool]) -> list[ast.stmt]:
        """Statements that do something when the module is imported, in their order.

        Where there are any, those that bind a name anew are among them: what comes before what
        decides.
        """
        own = {name for name in self.units if not self.only_imports(name)}
        own |= {name for name, dotted in self.bound.items() if any(map(is_ours, dotted))}
        acting = [
            x
            for x in body
            if not _is_docstring(x) and (set(_defined(x)) <= {"_"} or _acts(x, own))
            if not isinstance(x, ast.Import | ast.ImportFrom)
            or getattr(x, "module", None) == "__future__"
        ]
        bound = Counter(name for x in body for name in {*_defined(x)})
        again = [x for x in body if any(bound[name] > 1 for name in _defined(x))]
        return [x for x in body if x in acting or (acting and x in again)]

    def nodes(self, unit: str) -> list[ast.AST]:
        """All nodes of a unit's syntax trees."""
        return [
            node for statement in self.statements(unit) for node in syntax_nodes.below(statement)
        ]

    def statements(self, name: str) -> list[ast.stmt]:
        """What defines a unit."""
        return self.effects if name == ON_IMPORT else self.units[name]

    def only_imports(self, name: str) -> bool:
        """Whether nothing but imports define a unit."""
        return all(isinstance(x, ast.Import | ast.ImportFrom) for x in self.statements(name))

    def bindings(self, node: ast.AST) -> Iterator[tuple[str, str, ast.stmt]]:
        """Of each name that an import binds: itself, what it means, and an import of it alone."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`; the chain `a.b.c` is resolved from the top
                local = alias.asname or alias.name.split(".")[0]
                yield local, alias.name if alias.asname else local, ast.Import([alias])
        elif isinstance(node, ast.ImportFrom):
            base = self._base(node)
            for alias in node.names:
                if alias.name != "*":
                    one = ast.ImportFrom(base, [alias], 0)
                    yield alias.asname or alias.name, f"{base}.{alias.name}", one

    def imports(self, node: ast.AST) -> list[str]:
        """Dotted names of all that an import statement has Python import, or look for."""
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            return [f"{self._base(node)}.{alias.name}" for alias in node.names]
        return []

    def imported_by_call(self, node: ast.AST) -> list[str]:
        """The dotted name of what `import_module("a.b")` imports, where the name is written out."""
        match node:
            case ast.Call(func=called, args=[ast.Constant(str(name)), *_]):
                if chain(called)[-1] in IMPORTERS:
                    module = name.lstrip(".")
                    return [self._base(ast.ImportFrom(module, [], len(name) - len(module)))]
        return []

    def _base(self, node: ast.ImportFrom) -> str:
        """The dotted name of the module from which an import takes."""
        above = self.package[: len(self.package) - node.level + 1] if node.level else ()
        return ".".join([*above, *([node.module] if node.module else [])])


def chain(node: ast.AST) -> list[str]:
    """The names of an attribute chain, `a.b.c`; one empty name for anything else."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    return [node.id, *attributes] if isinstance(node, ast.Name) else [""]


def _defined(statement: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement defines; one that holds others defines what these do."""
    if _is_function_or_class(statement):
        yield statement.name
        return
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return
    for node in syntax_nodes.below(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _acts(statement: ast.stmt, own: set[str]) -> bool:
    """Whether a definition may do more on import than to define: set a part, call, register.

    Args:
        statement: a top-level statement.
        own: names that are ours or the user's: what is called of a library's acts on nothing of
            ours.
    """
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _is_decorated(statement, own)
        case ast.ClassDef():
            inside = [x for x in statement.body if not _is_docstring(x)]
            return (
                _is_decorated(statement, own)
                or bool(statement.keywords)  # a metaclass, or what its base makes of its subclasses
                or any(chain(base)[0] in own for base in statement.bases)
                or any(isinstance(x, ast.Expr | ast.Import | ast.ImportFrom) for x in inside)
                or any(_acts(x, own) for x in inside)
            )
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            targets = [target]
        case ast.Pass():
            return False
        case _:
            return True
    nodes = [node for target in targets for node in syntax_nodes.below(target)]
    if any(isinstance(node, ast.Attribute | ast.Subscript) for node in nodes):
        return True
    if statement.value is None:
        return False
    calls = [node for node in syntax_nodes.below(statement.value) if isinstance(node, ast.Call)]
    return any(chain(call.func)[0] in own for call in calls)


def _is_decorated(statement: ast.stmt, own: set[str]) -> bool:
    """Whether a decorator may register what it is given."""
    for decorator in statement.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        names = chain(call)
        if names[-1] not in PURE_DECORATORS or names[0] in own:
            return True
    return False


def _is_function_or_class(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The tree without its docstrings; a body of nothing else keeps `pass`."""
    for node in syntax_nodes.below(tree):
        if _is_function_or_class(node) and _is_docstring(node.body[0]):
            node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]
    return tree


def _is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a constant, as docstrings are."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
