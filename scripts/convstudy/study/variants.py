"""The variants that studies can name: those of the config and of their sweeps, by protocol.

Under the protocol `corrected` a variant has its own name; under any other it is called
`{variant}__{protocol}`.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import combinations, sweeps
from convstudy.study.repairs import flow
from convstudy.study.schema import Block

PLAIN = "corrected"


def under(name: str, protocol: str) -> str:
    """The name of a variant or comparison under a protocol."""
    return name if protocol == PLAIN else f"{name}__{protocol}"


def expand(config: Block) -> dict[str, Block]:
    """All variants by name, with more keys than the config has.

    `of` is the variant's name in the config, `points` the names of its sweep's points (itself where
    it has none), `sweep` the name of the sweep that a point belongs to, `values` a point's values,
    `label` what tables and pictures call it, and `sweep_label` the same of its sweep. `members`
    are the names that a combination is made of (none of a variant that is trained), `one_network`
    tells that it is one network for all seeds, and `solved` that none of its members is trained.

    Raises:
        UserError: two variants would have one name, or one cannot be combined so.
    """
    found: dict[str, Block] = {}
    named_by = {
        name: x["combines"]["variants"] for name, x in config["variants"].items() if x["combines"]
    }
    combinations.check_circles(named_by)
    for name, block in config["variants"].items():
        fixed = block["protocol"]
        free = config["protocols"] if _is_free(config, name) else [PLAIN]
        for protocol in [fixed] if fixed else free:
            full = name if fixed else under(name, protocol)
            members = [named(config, x, [protocol])[0] for x in named_by.get(name, ())]
            about = {"of": name, "protocol": protocol, "values": {}}
            about |= {"members": members, "one_network": False, "solved": False}
            options = {section: {} for section in sweeps.SECTIONS}
            whole = block | about | {"options": options}
            points = dict(sweeps.points(full, whole)) if block["sweep"] else {full: whole}
            sweep = full if block["sweep"] else None
            sweep_label = sweep and _label(full, whole, fixed)
            for point, own in points.items():
                more = {"points": [point], "sweep": sweep, "sweep_label": sweep_label}
                _add(found, point, own | more | {"label": _label(point, own, fixed)})
            if sweep:
                _add(found, full, whole | {"points": list(points), "sweep": None})
    combinations.settle(config, found)
    return found


def _label(name: str, block: Block, fixed: str | None) -> str:
    """A variant's label, the values of its sweep, and the protocol that the study gives it."""
    if not block["label"]:
        return name
    values = [f", {key.split('.')[-1]} {flow(value)}" for key, value in block["values"].items()]
    other = "" if fixed or block["protocol"] == PLAIN else f" ({block['protocol']})"
    return "".join([block["label"], *values, other])


def _add(found: dict[str, Block], name: str, block: Block) -> None:
    if name in found:
        other = next(x["of"] for x in (found[name], block) if x["of"] != name)
        raise UserError(
            f"config: variants.{name}: this is also the name of '{other}' under a protocol or with "
            f"a value of its sweep. Choose another name, or remove this block."
        )
    found[name] = block


def named(config: Block, name: str, protocols: list[str]) -> list[str]:
    """The rows that a study with these protocols has for a name among its variants."""
    if not _is_free(config, name):
        return [name]
    return [under(name, protocol) for protocol in protocols]


def _is_free(config: Block, name: str) -> bool:
    """Whether a name leaves the protocol to the study; a combination if one of its members does."""
    block = config["variants"].get(name)
    if block is None or block["protocol"] or not block["combines"]:
        return block is not None and not block["protocol"]
    return any(_is_free(config, x) for x in block["combines"]["variants"])


def comparisons(config: Block) -> dict[str, Block]:
    """All comparisons by name, under every protocol.

    `of` is its name in the config, `protocol` the protocol that its variants have from the study.
    One that names a variant under a protocol already stays as it is (`protocol` is None).
    """
    found = {}
    for name, block in config["comparisons"].items():
        free = all(_is_free(config, x) for x in block["variants"])
        for protocol in config["protocols"] if free else [PLAIN]:
            title = block["title"] + f" (protocol {protocol})" * (protocol != PLAIN)
            members = [named(config, x, [protocol])[0] for x in block["variants"]]
            full = under(name, protocol)
            about = {"name": full, "of": name, "protocol": protocol if free else None}
            found[full] = about | {"title": title, "variants": members}
    return found
