"""Files of a config as text: what keeps one from being read, with the line and the usual cause.

Snakemake reads the files of --configfile before it reads the Snakefile, so nothing of this workflow
can come first: `check` is for whoever starts it.
"""

import contextlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from convstudy.foundation.errors import UserError, nearest

QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # not every PyYAML has the one of C
SUFFIXES = (".yaml", ".yml", ".json")
# A key without a space after its colon; an address like https://x is none.
GLUED = re.compile(r"^\s*(?:- )?([\w.-]+):(?!//)([^\s:]+)\s*$")
# What the parser says of a line, and what is mostly behind it; the first that fits.
CAUSES = {
    r"cannot start any token": "A text that begins with this character needs quotes",
    r"undefined alias": "A text that begins with * needs quotes",
    r"constructor for the tag": "A text that begins with ! needs quotes",
    r"unhashable key": "A text that begins with { or [ needs quotes",
    r"escape character": "A text with a \\ needs single quotes, or none",
    r"another document": "Remove the line ---, which begins a second document",
    r"special characters": "Remove this character, which editors do not show",
    r"could not find expected ':'": "Mostly a key lacks its colon, or the space after it",
    r"found '<scalar>'": (
        "Mostly a quoted text ends before its line does: within '...' a ' is written ''"
    ),
    r"expected <block end>": (
        "Mostly this line is not indented as its neighbours are: keys of one block, and the dashes "
        "of one list, stand exactly below each other"
    ),
}


def check(paths: Iterable[Path | str]) -> None:
    """Refuse config files that cannot be read, or that do not say one thing.

    Raises:
        UserError: the file is missing, a folder, not UTF-8, no YAML, no mapping, or gives a key
            twice: with the file, the line, what was found and what to do.
    """
    for path in map(Path, paths):
        text = _text(path)
        _check_keys(path, _parsed(path, text))
        _check_once(path, text)


def _text(path: Path) -> str:
    if path.is_dir():
        raise UserError(
            f"{path}: is a folder, expected a config file. It holds "
            f"{', '.join(_names(path)) or 'none'}."
        )
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path}: there is no such config file. {_neighbour(path)}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}: line {line}: the byte 0x{data[error.start]:02x} is not UTF-8, the encoding "
            f"of every config file. Save the file as UTF-8."
        ) from None


def _names(folder: Path) -> list[str]:
    return sorted(x.name for x in folder.iterdir() if x.suffix in SUFFIXES)


def _neighbour(path: Path) -> str:
    """The name nearest to that of a file which is not there, in the first folder that is."""
    folder = next(x for x in path.absolute().parents if x.is_dir())
    if folder != path.absolute().parent:
        missing = path.absolute().relative_to(folder).parts[0]
        folders = [x.name for x in folder.iterdir() if x.is_dir() and x.name[0] != "."]
        return f"There is no folder '{missing}' either. {nearest(missing, folders)}"
    return nearest(path.name, _names(folder))


def _parsed(path: Path, text: str) -> object:
    """What a file says, as Snakemake reads it: JSON, or else YAML."""
    try:
        return json.loads(text)
    except ValueError:
        pass  # YAML, like most
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: {_broken(error, text)}") from None
    except ValueError as error:  # 2024-13-45 looks like a date
        raise UserError(f"{path}: a value is none ({error}). Put it in quotes.") from None


def _broken(error: yaml.YAMLError, text: str) -> str:
    """Where the parser stopped, what it saw and the usual cause."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column, saw = mark.line, mark.column, f"{error.problem or error.context}"
    else:  # a character that no YAML file may hold
        before = text[: error.position]
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        saw = f"{error.reason}: {error.character:#04x}"
    lines = [*text.splitlines(), ""]  # the parser may stop behind the last
    cause = _cause(error, saw, lines, min(line, len(lines) - 1), column)
    return f"line {line + 1}, column {column + 1} is not YAML: {saw}. {cause}."


def _cause(error: yaml.YAMLError, saw: str, lines: list[str], line: int, column: int) -> str:
    if tabs := [n for n in range(line + 1) if re.match(r" *\t", lines[n])]:
        return f"Line {tabs[-1] + 1} is indented with a tab: YAML takes spaces only"
    written = [n for n in range(line + 1) if re.match(r"\s*[^\s#]", lines[n])]
    for number in written[:-3:-1]:  # this line and the one before
        if glued := GLUED.match(lines[number]):
            return f"Line {number + 1} lacks a space after its colon: write {glued[1]}: {glued[2]}"
    if "mapping values are not allowed" in saw:
        if ": " in lines[line][:column]:
            return "A text with ': ' in it needs quotes"
        return (
            "Mostly this line is indented deeper than its neighbours, or the key before has a value"
        )
    start = getattr(error, "context_mark", None)
    opened = lines[start.line][start.column : start.column + 1] if start else ""
    if opened and opened in "[{\"'" and ("flow" in error.context or "end of stream" in saw):
        return (
            f"Mostly the {opened} of line {start.line + 1}, column {start.column + 1} is not closed"
        )
    return next(
        (cause for pattern, cause in CAUSES.items() if re.search(pattern, saw)),
        "Compare this line and the one before with those of config.yaml",
    )


def _check_keys(path: Path, value: object) -> None:
    if isinstance(value, dict):
        return
    if value is None:
        found, advice = "holds no key", "Write one, or leave the file out"
    elif isinstance(value, str) and (glued := GLUED.match(value)):
        found = f"{value!r} is no key with a value"
        advice = f"A space is missing after the colon: write {glued[1]}: {glued[2]}"
    else:
        kind = "list" if isinstance(value, list) else "single value"
        found, advice = f"holds a {kind}", "Begin each line of the top level with a key and a colon"
    raise UserError(
        f"{path}: {found}, expected keys of the config, such as `study: mine`. {advice}."
    )


def _composed(text: str) -> yaml.Node:
    """The nodes of a YAML text: by libyaml, which takes a tenth of the time, if it reads it."""
    with contextlib.suppress(yaml.YAMLError):
        return yaml.compose(text, QUICK)
    return yaml.compose(text, yaml.SafeLoader)


def _check_once(path: Path, text: str) -> None:
    """Refuse a file that gives a key twice: the last would silently win."""
    try:
        waiting = [_composed(text)]
    except yaml.YAMLError:
        return  # JSON that is no YAML, say with tabs
    seen = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias leads to a node again
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                waiting.append(value)
                if not isinstance(key, yaml.ScalarNode):
                    continue
                line = key.start_mark.line + 1
                if key.value in lines and key.value != "<<":
                    raise UserError(
                        f"{path}: line {line} gives the key '{key.value}' again, after line "
                        f"{lines[key.value]}: only the last would count. Put both in one block."
                    )
                lines[key.value] = line
