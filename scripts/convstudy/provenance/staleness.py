"""Why a step would run: what differs between its record and the state of the project now."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from convstudy.foundation import folder_digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests, records

Values = Mapping[str, Any]
LONGEST = 160  # characters of a value in a message


def changes(record: Values, params: Values) -> list[str]:
    """What changed since a step's record: definitions of the code, and values of its settings.

    Args:
        record: the step's record of when it ran.
        params: the step's parameters now, as Snakemake evaluated them.
    """
    code = code_digests.of(*json.loads(params["code"])["of"])
    found = (
        [] if code.digest == record["code_digest"] else _code_changes(record["code"], code.units)
    )
    now = {name: value for name, value in params.items() if name != "code"}
    for name in sorted({*record["params"], *now}):
        before, after = (_parsed(values.get(name)) for values in (record["params"], now))
        of_files = name == "contents" and isinstance(before, dict) and isinstance(after, dict)
        found += (_content_changes if of_files else _value_changes)(before, after)
    return found


def newer_inputs(record: Values, paths: Iterable[str]) -> list[str]:
    """What is said of inputs that Snakemake holds for newer, and not for the same, as a result."""
    read = records.inputs_of(record)
    found = []
    for path in paths:
        same = read.get(path) == folder_digests.of_any(Path(path))
        what = ", though its content is the same" if same else " and has other content"
        found.append(f"{path} is newer{what}")
    return found


def other_inputs(record: Values) -> list[str]:
    """Inputs whose own records say that they are others than the step has read."""
    found = []
    for path, sha256 in records.inputs_of(record).items():
        if _recorded(path) not in (None, sha256):
            found.append(f"{path} is another than the one that this was made from")
    return found


@cache
def _recorded(path: str) -> str | None:
    """The digest of a file by its record; None where no step made it, or nothing is known of it."""
    try:
        return records.read(records.path_of(path))["outputs"].get(path)
    except UserError:
        return None


def grouped(names: Iterable[Values]) -> str:
    """Wildcards of many steps of one rule in a few words: `a, b on birds, seeds 0-2`.

    Pictures and tables are those of a study: `a, b in demo`.
    """
    steps = [dict(x) for x in names]
    seeds = sorted({int(x.pop("seed")) for x in steps if "seed" in x})
    datasets = list(dict.fromkeys(x.pop("dataset") for x in steps if "dataset" in x))
    studies = list(dict.fromkeys(x.pop("study") for x in steps if "study" in x))
    rest = list(dict.fromkeys(" on ".join(x.values()) for x in steps if x))
    text = " on ".join(", ".join(part) for part in (rest, datasets) if part)
    text = " in ".join(filter(None, (text, ", ".join(studies))))
    return text + (f", seed{'s' * (len(seeds) > 1)} {_ranges(seeds)}" if seeds else "")


def _code_changes(old: Values, new: Values) -> list[str]:
    """Definitions that differ, in the words of the file that they stand in.

    One that refers to another definition now, by the same text, is told where no text differs.
    """
    half = code_digests.HALF
    texts = ({unit: x[:half] for unit, x in units.items()} for units in (old, new))
    return (
        _differences(*texts)
        or _differences(old, new)
        or ["the same definitions are used in another way"]
    )


def _differences(old: Values, new: Values) -> list[str]:
    found = []
    old, new = _in_place(old, new), dict(new)
    for unit in sorted({*old, *new}):
        if old.get(unit) != new.get(unit):
            what = "changed" if unit in old and unit in new else "is used now"
            found.append(f"{code_digests.described(unit)} {what if unit in new else 'is gone'}")
    # a definition that is used for the first time matters only through the one that uses it
    return [x for x in found if x.endswith("changed")] or found


def _in_place(old: Values, new: Values) -> dict[str, str]:
    """The old definitions under the modules where those of the same name stand now."""
    places: dict[str, list[str]] = {}
    for unit in new:
        if unit not in old:
            places.setdefault(unit.partition(":")[2], []).append(unit)
    found = {unit: digest for unit, digest in old.items() if unit in new}
    for unit in old.keys() - new.keys():
        moved = places.get(unit.partition(":")[2], [])
        same = next((x for x in moved if new[x] == old[unit]), moved[0] if moved else unit)
        found.setdefault(same, old[unit])
    return found


def _content_changes(old: Values, new: Values) -> list[str]:
    """Files and folders of the user's that have another digest."""
    found = []
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            what = "has other content" if path in old else "was not read before"
            found.append(f"{path} {what if path in new else 'is not there any more'}")
    return found


def _value_changes(old: Any, new: Any, path: Sequence[str] = ()) -> list[str]:
    """Settings that differ, as `path: old -> new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            change
            for key in sorted({*old, *new})
            for change in _value_changes(old.get(key), new.get(key), [*path, key])
        ]
    if old == new:
        return []
    if _are_blocks(old) and _are_blocks(new):
        found = _value_changes(_by_name(old), _by_name(new), path)
        return found or [f"{'.'.join(path)}: in another order"]
    shown = (textwrap.shorten(json.dumps(x), LONGEST, placeholder=" ...") for x in (old, new))
    return [f"{'.'.join(path) or 'setting'}: {' -> '.join(shown)}"]


def _are_blocks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, dict) for x in value)


def _by_name(blocks: Sequence[Values]) -> dict[str, Values]:
    """Blocks of a list under the names that they have, or their places."""
    return {str(x.get("variant", x.get("name", i))): x for i, x in enumerate(blocks)}


def _parsed(value: Any) -> Any:
    """A parameter as the value that its canonical text stands for."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _ranges(numbers: list[int]) -> str:
    """`0-2, 5` for 0, 1, 2, 5."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{x[0]}-{x[-1]}" if len(x) > 1 else str(x[0]) for x in parts)
