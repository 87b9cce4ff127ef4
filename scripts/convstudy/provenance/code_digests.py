"""Digests of code: which definitions a step really uses, and a digest of each.

A unit is one top-level definition of a module (function, class, constant, imported name). A step
uses the units of its script, those of the modules it names (a model's file, say), and every unit
under `scripts/` that these refer to, directly or not; it uses what an imported module does on
import, too, and all of a module that is imported with a star. A unit's digest is that of its syntax
tree written out again, so comments, formatting and docstrings do not count, and neither does a
sibling function that nobody calls.

What keeps books around a step (`steps`, and the cache beneath it) decides no result and is left
out: an edit there must not cost a study its trainings.

What this cannot see is refused by convention: names made at run time (`getattr` with a computed
name, `globals()`) stay within a module that the step names as a whole.
"""

import ast
import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from convstudy.foundation import digests
from convstudy.provenance.syntax import ON_IMPORT, Module, chain

SCRIPTS = Path(__file__).parents[2]
PACKAGE = "convstudy"
BOOKKEEPING = f"{PACKAGE}.provenance.steps"

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
        # no hidden files: editors keep locks under such names, links that lead nowhere
        paths = sorted(SCRIPTS.rglob("[!.]*.py"))
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
            found[name, unit] = _module(name).digest(unit)
            waiting += _references(name, unit)
    return {f"{name}:{unit}": digest for (name, unit), digest in sorted(found.items()) if digest}


def _all_of(name: str) -> list[Unit]:
    """All units of a module, and what it does on import."""
    return [(name, unit) for unit in (*_module(name).units, ON_IMPORT)]


def libraries(found: dict[str, str]) -> list[str]:
    """Names of the packages of others that the modules of these units import."""
    modules = {unit.partition(":")[0] for unit in found}
    names = {name for module in modules for name in _module(module).packages}
    return sorted(name for name in names if not _is_ours(name))


def described(unit: str) -> str:
    """A unit in words: `models/base_net.py: function build`."""
    name, _, definition = unit.partition(":")
    file = name if name.endswith(".py") else name.replace(".", "/") + ".py"
    module = _module(name)
    statement = module.units.get(definition, [None])[0] if module else None
    kinds = {ast.FunctionDef: "function ", ast.ClassDef: "class ", ast.Assign: "constant "}
    kinds |= {ast.Import: "import ", ast.ImportFrom: "import "}
    return f"{file.removeprefix(PACKAGE + '/')}: {kinds.get(type(statement), '')}{definition}"


def _references(name: str, unit: str) -> list[Unit]:
    """The units that one of a module refers to: in the module, in others, and on their import."""
    module = _module(name)
    nodes = module.nodes(unit)
    bound = {local: list(meanings) for local, meanings in module.bound.items()}
    imported = list(module.imported) if unit == ON_IMPORT else []
    taken = []
    for node in nodes:
        imported += module.imports(node)
        for local, dotted, _ in module.bindings(node):
            bound.setdefault(local, []).append(dotted)
            taken += [] if _module(dotted) else [dotted]  # a definition, not a module
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for first, *rest in (chain(node) for node in nodes if id(node) not in inner):
        taken += [".".join([dotted, *rest]) for dotted in bound.get(first, [])]
    mentioned = {node.id for node in nodes if isinstance(node, ast.Name)}
    stars = [dotted.removesuffix(".*") for dotted in imported if dotted.endswith(".*")]
    return [
        (name, ON_IMPORT),
        *((name, other) for other in mentioned if other in module.units),
        *((package, ON_IMPORT) for dotted in imported for package in _packages_of(dotted)),
        *(found for dotted in taken for found in _resolve(dotted)),
        *(found for star in stars if _module(star) for found in _all_of(star)),
    ]


@cache
def _module(name: str) -> Module | None:
    """The module of a dotted name or of a script's file; None where there is no such file."""
    base = SCRIPTS / name if name.endswith(".py") else SCRIPTS.joinpath(*name.split("."))
    for path in (base, base / "__init__.py", base.with_name(base.name + ".py")):
        if os.path.isfile(path):  # false, and no error, where a name can be no file's
            return Module(path, path.parent.relative_to(SCRIPTS).parts)
    return None


def _is_ours(dotted: str) -> bool:
    """Whether a dotted name begins with a module or folder of `scripts/`."""
    top = SCRIPTS / dotted.split(".")[0]
    return os.path.isfile(f"{top}.py") or top.is_dir()


def _packages_of(dotted: str) -> list[str]:
    """Modules that Python runs to import a dotted name: its packages and itself."""
    parts = dotted.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return [name for name in names if _module(name)]


def _resolve(dotted: str, seen: frozenset[str] = frozenset()) -> Iterator[Unit]:
    """The units that a dotted name means, by way of all modules that hand it on."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        module = _module(name)
        if module is None:
            continue
        first, *rest = parts[length:] or [None]
        if first in module.units:
            yield name, first
        elif first not in module.bound:  # the module itself is handed on: all of it counts
            yield from _all_of(name)
        for origin in module.bound.get(first, []):
            if dotted not in seen:
                yield from _resolve(".".join([origin, *rest]), seen | {dotted})
        return
