"""Digests of code: which definitions a step really uses, and a digest of each.

A unit is one top-level definition of a module (function, class, constant). A step uses the units of
its script, those of the modules it names (a model's file, say), and every unit under `scripts/`
that these refer to, directly or not; it uses what an imported module does on import, too, and all
of a module that is imported with a star. A unit's digest is that of its syntax tree written out
again, so comments, formatting and docstrings do not count, and neither does a sibling function that
nobody calls.

What keeps books around a step (`steps`, and the cache beneath it) decides no result and is left
out: an edit there must not cost a study its trainings.

What this cannot see is refused by convention: names made at run time (`getattr` with a computed
name, `globals()`) stay within a module that the step names as a whole.
"""

import ast
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from convstudy import digests

SCRIPTS = Path(__file__).parent.parent
PACKAGE = "convstudy"
ON_IMPORT = "on import"
BOOKKEEPING = f"{PACKAGE}.steps"
# Decorators that only wrap; any other may register its function somewhere when it is imported.
PURE_DECORATORS = {"cache", "contextmanager", "dataclass", "lru_cache"}

# A workflow of a thousand variants asks ten thousand times, and a look takes a millisecond.
LOOK_EVERY = 0.1

Unit = tuple[str, str]  # dotted module (or script file), name of the definition


def of_units(found: dict[str, str]) -> str:
    """One digest of the digests of units."""
    return digests.of_text(digests.canonical(found))


def units(script: str, *modules: str) -> dict[str, str]:
    """The digest of each unit that a script and whole `modules` use, by `module:name`.

    Files are read once, and again when one of them has changed since; whether one has is looked at
    every `LOOK_EVERY` seconds.

    Args:
        script: a file of `scripts/`.
        modules: dotted names.
    """
    global _known, _looked
    if time.monotonic() >= _looked + LOOK_EVERY:
        paths = sorted(SCRIPTS.rglob("*.py"))
        state = [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
        if state != _known:
            _known = state
            _module.cache_clear()
            _units.cache_clear()
        _looked = time.monotonic()
    return _units(script, *modules)


_known: list[tuple] = []
_looked = -LOOK_EVERY


@cache
def _units(script: str, *modules: str) -> dict[str, str]:
    waiting = [unit for name in (script, *modules) for unit in _all_of(name)]
    found: dict[Unit, str | None] = {}
    while waiting:
        name, unit = waiting.pop()
        if name != BOOKKEEPING and (name, unit) not in found:
            module = _module(name)
            found[name, unit], mentioned = module.unit(unit)
            waiting += [(name, other) for other in mentioned if other in module.units]
            waiting += module.references(unit)
    return {f"{name}:{unit}": digest for (name, unit), digest in sorted(found.items()) if digest}


def _all_of(name: str) -> list[Unit]:
    """All units of a module, and what it does on import."""
    return [(name, unit) for unit in (*_module(name).units, ON_IMPORT)]


def libraries(found: dict[str, str]) -> list[str]:
    """Names of the packages of others that the modules of these units import."""
    modules = {unit.partition(":")[0] for unit in found}
    return sorted({name for module in modules for name in _module(module).libraries})


def described(unit: str) -> str:
    """A unit in words: `models/base_net.py: function build`."""
    name, _, definition = unit.partition(":")
    file = name if name.endswith(".py") else name.replace(".", "/") + ".py"
    module = _module(name)
    statement = module.units.get(definition, [None])[0] if module else None
    kinds = {ast.FunctionDef: "function ", ast.ClassDef: "class ", ast.Assign: "constant "}
    return f"{file.removeprefix(PACKAGE + '/')}: {kinds.get(type(statement), '')}{definition}"


class _Module:
    """The units of one file, and the names that its imports bind."""

    def __init__(self, name: str, path: Path):
        self.package = path.parent.relative_to(SCRIPTS).parts
        self.units: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []
        self.imports: dict[str, str] = {}
        tree = ast.parse(path.read_text())
        self.libraries = {name for node in ast.walk(tree) for name in _libraries(node)}
        self.stars = [
            self._base(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        ]
        for statement in tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.imports |= self._bound(statement)
                continue
            if _is_docstring(statement):
                continue
            names = list(_defined(statement))
            for unit in names:
                self.units.setdefault(unit, []).append(statement)
            if not names:  # an import may stand in a `try`
                for node in ast.walk(statement):
                    self.imports |= self._bound(node)
            if not names or _registers(statement):
                self.effects.append(statement)
        self._name = name

    def unit(self, name: str) -> tuple[str | None, set[str]]:
        """A unit's digest (None for a module that only defines), and the names it mentions."""
        statements = self._statements(name)
        text = "\n".join(ast.unparse(_without_docstrings(x)) for x in statements)
        mentioned = {
            node.id for x in statements for node in ast.walk(x) if isinstance(node, ast.Name)
        }
        return digests.of_text(text) if statements else None, mentioned

    def references(self, name: str) -> list[Unit]:
        """Units of other modules that a unit refers to, and the import of their modules."""
        statements, bound = self._statements(name), dict(self.imports)
        nodes = [node for statement in statements for node in ast.walk(statement)]
        local = {}
        for node in nodes:
            local |= self._bound(node)
        bound |= local
        targets, whole = list(local.values()), []
        if name == ON_IMPORT:
            targets += [*self.imports.values(), *self.stars]
            whole = [unit for star in self.stars if _module(star) for unit in _all_of(star)]
        imported = [(m, ON_IMPORT) for target in targets for m in _packages_of(target)]
        inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
        chains = [node for node in nodes if id(node) not in inner]
        used = [unit for node in chains for unit in _resolve(node, bound)]
        return imported + used + whole + [(self._name, ON_IMPORT)]

    def _statements(self, name: str) -> list[ast.stmt]:
        return self.effects if name == ON_IMPORT else self.units[name]

    def _bound(self, node: ast.AST) -> dict[str, str]:
        """Names that an import of something under `scripts/` binds, and their dotted names."""
        if isinstance(node, ast.Import):
            names = {a.asname or a.name.split(".")[0]: a.name for a in node.names}
            # `import a.b` binds `a`; the chain `a.b.c` is resolved from the top
            names = {k: (v if k != v.split(".")[0] else k) for k, v in names.items()}
        elif isinstance(node, ast.ImportFrom):
            base = self._base(node)
            names = {a.asname or a.name: f"{base}.{a.name}" for a in node.names}
        else:
            names = {}
        return {k: v for k, v in names.items() if _is_ours(v)}

    def _base(self, node: ast.ImportFrom) -> str:
        """The dotted name of the module from which an import takes."""
        above = self.package[: len(self.package) - node.level + 1] if node.level else ()
        return ".".join([*above, *([node.module] if node.module else [])])


def _is_ours(dotted: str) -> bool:
    """Whether a dotted name begins with a module or folder of `scripts/`."""
    top = SCRIPTS / dotted.split(".")[0]
    return top.with_suffix(".py").is_file() or top.is_dir()


@cache
def _module(name: str) -> _Module | None:
    """The module of a dotted name or of a script's file; None where there is no such file."""
    base = SCRIPTS / name if name.endswith(".py") else SCRIPTS.joinpath(*name.split("."))
    for path in (base, base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return _Module(name, path)
    return None


def _packages_of(dotted: str) -> list[str]:
    """Modules that Python runs to import a dotted name: its packages and itself."""
    parts = dotted.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return [name for name in names if _module(name)]


def _resolve(node: ast.AST, bound: dict[str, str]) -> Iterator[Unit]:
    """What a name or an attribute chain of an imported name means."""
    attributes = []
    while isinstance(node, ast.Attribute):
        attributes.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in bound:
        return
    parts = [*bound[node.id].split("."), *attributes]
    for length in range(len(parts), 0, -1):
        module = _module(".".join(parts[:length]))
        if module is None:
            continue
        name = ".".join(parts[:length])
        rest = parts[length:]
        if rest and rest[0] in module.units:
            yield name, rest[0]
        elif rest and rest[0] in module.imports:  # a name that the module itself imported
            target = ast.Name(rest[0])
            yield from _resolve(target, module.imports)
        else:  # the module itself is handed on: all of it counts
            yield from _all_of(name)
        return


def _defined(statement: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement defines."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name
        case ast.Assign(targets=targets):
            yield from (x.id for t in targets for x in ast.walk(t) if isinstance(x, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            yield name


def _libraries(node: ast.AST) -> list[str]:
    """Packages that an import statement takes from elsewhere."""
    match node:
        case ast.Import(names=names):
            found = [alias.name.split(".")[0] for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            found = [module.split(".")[0]]
        case _:
            found = []
    return [x for x in found if not _is_ours(x) and x not in sys.stdlib_module_names]


def _registers(statement: ast.stmt) -> bool:
    """Whether a definition's decorators may do something when it is imported."""
    for decorator in getattr(statement, "decorator_list", []):
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(call).split(".")[-1] not in PURE_DECORATORS:
            return True
    return False


def _without_docstrings(tree: ast.stmt) -> ast.stmt:
    """The tree without its docstrings; a body of nothing else keeps `pass`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if _is_docstring(node.body[0]):
                node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]
    return tree


def _is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is nothing but a constant, as docstrings are."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
