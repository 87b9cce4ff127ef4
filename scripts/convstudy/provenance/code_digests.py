"""Digests of code: which definitions a step really uses, and one digest of them all.

A unit is one top-level definition of a module (function, class, constant, name imported from a
library). A step uses the units of its script, those of the models, generators and readers that it
names, and every unit of ours or the user's that these refer to, directly or not; it uses what an
imported module does on import, too, and all of a module that is imported with a star.

What a unit *is* does not depend on the module that it stands in: its text is its syntax tree
written out again, without comments, formatting and docstrings, and with a mark in place of every
reference by way of an import of ours (`hdf5.read_subset` is `§read_subset`). Which definition a
mark means is told by numbers: all that a step uses is listed from its script on, each unit once, in
the order in which it is first referred to, so the digest of the list is that of the whole graph.
So a module may move, be renamed or be split, and nothing becomes stale.

What keeps books around a step (`steps`, and the cache beneath it) decides no result and is left
out: an edit there must not cost a study its trainings.

What this cannot see is refused by convention: names made at run time (`getattr` with a computed
name, `globals()`) stay within a module that the step names as a whole. The rest stands under
"Limits" in docs/promises.md.
"""

import ast
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from convstudy.foundation import digests, plugin_files
from convstudy.provenance import kept_code, modules, references
from convstudy.provenance.modules import Unit
from convstudy.provenance.syntax import ON_IMPORT

BOOKKEEPING = "convstudy.provenance.steps"
# A workflow of a thousand variants asks ten thousand times, and a look takes a millisecond.
LOOK_EVERY = 0.1
HALF = 32  # characters of a digest in `Code.units`


@dataclass(frozen=True)
class Code:
    """The code of a step.

    Attributes:
        of: its script, and the models, generators and readers that it names (`models/base_net`).
        units: of each unit by `module:name`, to tell what was edited: half a digest of its own
            text, half a one of what it refers to.
        digest: one digest of them all, whatever the modules that they stand in.
        libraries: names of the packages of others that the modules of these units import.
        sources: the source of each module that the step may execute, by its path.
    """

    of: tuple[str, ...]
    units: dict[str, str]
    digest: str
    libraries: list[str] = field(default_factory=list, compare=False)
    sources: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)


def of(script: str, *plugins: str) -> Code:
    """The code of a step.

    Files are read once, and again when one of them has changed since; whether one has is looked at
    every `LOOK_EVERY` seconds. What was told of them is kept for other processes.

    Args:
        script: a file of `scripts/`.
        plugins: names such as `models/base_net`.

    Raises:
        UserError: a file is not Python.
    """
    global _known, _looked
    if time.monotonic() >= _looked + LOOK_EVERY:
        state = list(map(_state, modules.files()))
        if state != _known:
            _known = state
            modules.forget()
            kept_code.forget()
            references.described.cache_clear()
            _of.cache_clear()
        _looked = time.monotonic()
    return _of(script, *plugins)


def _state(path: Path) -> tuple:
    """What an edit of a file changes; nothing of one that is gone, or a link to nowhere."""
    try:
        status = os.stat(path)
    except OSError:
        return (path,)
    return path, status.st_mtime_ns, status.st_size


_known: list[tuple] = []
_looked = -LOOK_EVERY


@cache
def _of(script: str, *plugins: str) -> Code:
    kept = kept_code.read((script, *plugins))
    if kept:
        return Code((script, *plugins), **kept)
    code = _told(script, *plugins)
    kept_code.keep(code.of, code.units, code.digest, code.libraries, code.sources)
    return code


def _told(script: str, *plugins: str) -> Code:
    listing = _Listing()
    names = sorted(modules.module(script).units)
    defined = [(script, name) for name in names if not _is_import((script, name))]
    entries: list[Any] = list(map(listing.number, defined))
    listing.effects[script, ON_IMPORT] = None
    for plugin in plugins:
        name = f"{plugin_files.PACKAGE}.{plugin.replace('/', '.')}"
        entries.append([[x, *map(listing.number, units)] for x, units in _offers(name)])
        listing.effects |= {(x, ON_IMPORT): None for x in modules.loaded_by(name)}
    lines = listing.lines()
    return Code(
        (script, *plugins),
        dict(sorted(listing.units.items())),
        digests.of_text(digests.canonical([entries, lines])),
        _libraries(listing.units),
        listing.sources(),
    )


def _offers(name: str) -> list[tuple[str, list[Unit]]]:
    """What a model, generator or reader has under its names: its own, or taken from another."""
    found = [(x, modules.in_module(name, x)[0]) for x in sorted(modules.module(name).units)]
    return [(x, units) for x, units in found if not any(map(_is_import, units))]


def _is_import(unit: Unit) -> bool:
    """Whether a unit is a module, or something of a library's."""
    name, definition = unit
    return definition == modules.WHOLE or modules.module(name).only_imports(definition)


class _Listing:
    """Units in the order in which they are first referred to, each with its number.

    Attributes:
        effects: what modules do on import, to be listed when all else is.
        units: see `Code`.
    """

    def __init__(self) -> None:
        self.effects: dict[Unit, None] = {}
        self.units: dict[str, str] = {}
        self._numbers: dict[Unit, int] = {}
        self._order: list[Unit] = []

    def number(self, unit: Unit) -> int | str:
        """The number of a unit; of an import from a library, which is what it says, its text."""
        if unit[0] == BOOKKEEPING:
            return BOOKKEEPING
        if unit[1] not in (ON_IMPORT, modules.WHOLE) and _is_import(unit):
            told = references.described(unit)
            if not told.targets:
                self._tell(unit, told)
                return told.text
        if unit not in self._numbers:
            self._numbers[unit] = len(self._order)
            self._order.append(unit)
        return self._numbers[unit]

    def lines(self) -> list[Any]:
        """Text and references of every unit, in order of their numbers."""
        lines: list[Any] = []
        while len(lines) < len(self._order) or self._number_effects():
            unit = self._order[len(lines)]
            told = references.described(unit)
            self._tell(unit, told)
            self.effects.update(dict.fromkeys(told.effects))
            lines.append([told.text, [list(map(self.number, x)) for x in told.targets]])
        return lines

    def _number_effects(self) -> bool:
        """Give numbers to what modules do on import; whether there was anything new."""
        waiting, known = list(self.effects), set(self.effects)
        while waiting:
            module, _ = waiting.pop()
            if module != BOOKKEEPING:
                more = references.described((module, ON_IMPORT)).effects
                waiting += [x for x in more if x not in known]
                known.update(more)
        self.effects = dict.fromkeys(known)
        new = [x for x in known if x[0] != BOOKKEEPING and x not in self._numbers]
        acting = [x for x in new if modules.module(x[0]).effects]
        for unit in sorted(acting, key=lambda x: (references.described(x).text, x)):
            self.number(unit)
        return bool(acting)

    def sources(self) -> dict[str, bytes]:
        """The source of every module that holds a unit or is imported by one, by its path."""
        names = dict.fromkeys(unit[0] for unit in [*self._order, *self.effects])
        holders = [x for x in map(modules.module, names) if x]
        return {str(holder.path): holder.source for holder in holders}

    def _tell(self, unit: Unit, told: references.Described) -> None:
        if told.text and unit[1] != modules.WHOLE:
            halves = digests.of_text(told.text), digests.of_text(digests.canonical(told.targets))
            self.units[":".join(unit)] = "".join(half[:HALF] for half in halves)


def _libraries(units: Iterable[str]) -> list[str]:
    holders = {unit.partition(":")[0] for unit in units}
    names = {name for holder in holders for name in modules.module(holder).packages}
    return sorted(name for name in names if not modules.is_ours(name))


def described(unit: str) -> str:
    """A unit in words: `models/base_net.py: function build`."""
    name, _, definition = unit.partition(":")
    holder = modules.module(name)
    file = plugin_files.label(holder.path) if holder else name.replace(".", "/") + ".py"
    statement = holder.units.get(definition, [None])[0] if holder else None
    kinds = {ast.FunctionDef: "function ", ast.ClassDef: "class ", ast.Assign: "constant "}
    kinds |= {ast.Import: "import ", ast.ImportFrom: "import "}
    short = file.removeprefix(f"{plugin_files.SCRIPTS.name}/").removeprefix("convstudy/")
    what = "what it does on import" if definition == ON_IMPORT else definition
    return f"{short}: {kinds.get(type(statement), '')}{what}"
