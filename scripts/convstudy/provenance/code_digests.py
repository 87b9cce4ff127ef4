"""Digests of code: which definitions a step really uses, and one digest of them all.

A unit is one top-level definition of a module (function, class, constant, name imported from a
library). A step uses the units of its script, those of the models, generators and readers that it
names, and every unit of ours or the user's that these refer to, directly or not; it uses what an
imported module does on import, too, and all of a module that is imported with a star.

What a unit *is* does not depend on the module that it stands in: its text is its syntax tree
written out again, without comments, formatting and docstrings, without imports of our own modules,
and with the name of the definition in place of every reference to one (`hdf5.read_subset` is
`read_subset`). Which definition a reference means is in the digest by what that definition is, and
so on: a Merkle digest, as Unison has it (unison-lang.org/docs/the-big-idea). So a module may move,
be renamed or be split, and nothing becomes stale.

What keeps books around a step (`steps`, and the cache beneath it) decides no result and is left
out: an edit there must not cost a study its trainings.

What this cannot see is refused by convention: names made at run time (`getattr` with a computed
name, `globals()`) stay within a module that the step names as a whole.
"""

import ast
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from convstudy.foundation import digests, plugin_files
from convstudy.provenance import references
from convstudy.provenance.references import HANDED_ON, ON_IMPORT, Unit

BOOKKEEPING = "convstudy.provenance.steps"
# A workflow of a thousand variants asks ten thousand times, and a look takes a millisecond.
LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Code:
    """The code of a step.

    Attributes:
        of: its script, and the models, generators and readers that it names (`models/base_net`).
        units: the digest of each unit's own text, by `module:name`, to tell what was edited.
        digest: one digest of them all, whatever the modules that they stand in.
    """

    of: tuple[str, ...]
    units: dict[str, str]
    digest: str


def of(script: str, *plugins: str) -> Code:
    """The code of a step.

    Files are read once, and again when one of them has changed since; whether one has is looked at
    every `LOOK_EVERY` seconds.

    Args:
        script: a file of `scripts/`.
        plugins: names such as `models/base_net`.

    Raises:
        UserError: a file is not Python.
    """
    global _known, _looked
    if time.monotonic() >= _looked + LOOK_EVERY:
        # no hidden files: editors keep locks under such names, links that lead nowhere
        paths = sorted(path for root in references.roots() for path in root.rglob("[!.]*.py"))
        state = [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
        if state != _known:
            _known = state
            references.forget()
            _of.cache_clear()
        _looked = time.monotonic()
    return _of(script, *plugins)


_known: list[tuple] = []
_looked = -LOOK_EVERY


@cache
def _of(script: str, *plugins: str) -> Code:
    named = [f"{plugin_files.PACKAGE}.{name.replace('/', '.')}" for name in plugins]
    roots = [references.all_of(name) for name in (script, *named)]
    found, waiting = {}, [unit for root in roots for unit in root]
    while waiting:
        unit = waiting.pop()
        if unit[0] != BOOKKEEPING and unit not in found:
            found[unit] = references.described(unit)
            waiting += found[unit].used
    whole = _merkle({unit: (part.text, part.targets) for unit, part in found.items()})
    own = {unit: part for unit, part in found.items() if part.text not in ("", HANDED_ON)}
    units = {f"{module}:{name}": own[module, name].digest for module, name in sorted(own)}
    named_ones = [sorted([x[1], whole[x]] for x in root if found[x].text) for root in roots]
    used = sorted({whole[unit] for unit in own})
    digest = digests.of_text(digests.canonical([named_ones, used]))
    return Code((script, *plugins), units, digest)


def _merkle(units: dict[Unit, tuple[str, list[tuple[Unit, ...]]]]) -> dict[Unit, str]:
    """A digest of each unit that covers all it refers to, whatever the names of modules.

    Definitions may refer to each other in circles, so the digests are refined in rounds, each with
    the last round's digests of what a unit refers to, until no more units differ from each other
    (the colour refinement of Weisfeiler and Leman).
    """
    found = {unit: digests.of_text(text) for unit, (text, _) in units.items() if text}
    count = 0
    while len(set(found.values())) > count:
        count = len(set(found.values()))
        found = {
            unit: digests.of_text("\n".join([text, *(_joined(found, x) for x in targets)]))
            for unit, (text, targets) in units.items()
            if text
        }
    return found


def _joined(found: dict[Unit, str], targets: Iterable[Unit]) -> str:
    """What one reference means: a definition, either of several, or all of a module by name."""
    return " ".join(sorted(f"{unit[1]} {found[unit]}" for unit in targets if unit in found))


def libraries(units: Iterable[str]) -> list[str]:
    """Names of the packages of others that the modules of these units import."""
    modules = {unit.partition(":")[0] for unit in units}
    names = {name for module in modules for name in references.module(module).packages}
    return sorted(name for name in names if not references.is_ours(name))


def described(unit: str) -> str:
    """A unit in words: `models/base_net.py: function build`."""
    name, _, definition = unit.partition(":")
    module = references.module(name)
    file = plugin_files.label(module.path) if module else name.replace(".", "/") + ".py"
    statement = module.units.get(definition, [None])[0] if module else None
    kinds = {ast.FunctionDef: "function ", ast.ClassDef: "class ", ast.Assign: "constant "}
    kinds |= {ast.Import: "import ", ast.ImportFrom: "import "}
    short = file.removeprefix(f"{plugin_files.SCRIPTS.name}/").removeprefix("convstudy/")
    what = "what it does on import" if definition == ON_IMPORT else definition
    return f"{short}: {kinds.get(type(statement), '')}{what}"
