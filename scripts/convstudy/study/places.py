"""Where in the config a key or a name belongs that was given elsewhere.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from functools import cache
from typing import Any

import yaml

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import closest, nearest
from convstudy.study import config_reference, json_schema, plugin_options
from convstudy.study.repairs import GLUED, flow

Block = dict[str, Any]
Path = list[Any]

# Keys that were called otherwise once, by their section.
RENAMED = {("datasets", "generated"): "drawn"}
# Settings of training that stood alone once, and the blocks that they are options of now.
MOVED = {
    "momentum": ("optimizer", "SGD", "momentum"),
    "nesterov": ("optimizer", "SGD", "nesterov"),
    "decay": ("schedule", "time_decay", "rate"),
}
# Where variants with and without an augmenting generator had budgets of their own.
BUDGETS = ("with_generator", "without_generator")
# Plugin folders by the path, in the config, of the options that their files take.
OPTIONS = {
    "models": "models.<name>",
    "generators": "generators.<name>",
    "augmentation": "generators.<name>.augmentation.<step>",
    "readers": "datasets.<name>.options",
}


def of_key(key: str, value: Any, at: Path, allowed: list[str]) -> str:
    """A sentence that leads from an unknown key to the one that is meant.

    Args:
        key: the key.
        value: its value.
        at: the path of the block that it was found in.
        allowed: keys of that block.
    """
    if at and (at[0], key) in RENAMED:
        new = RENAMED[at[0], key]
        return f"It is called '{new}' now: write {new}: {flow(value)}."
    if at[-1:] == ["training"] and key in MOVED:
        block, kind, option = MOVED[key]
        written = flow({block: {"kind": kind, option: value}})[1:-1]
        return f"It is an option of the {block} now: write {written}."
    if at == ["training"] and key in BUDGETS:
        return _one_budget(key, value)
    if value is None and (glued := GLUED.fullmatch(key)):
        return f"A space is missing after the colon: write {glued[1]}: {glued[2]}."
    if "application" in allowed and (found := application(value)):
        return f"Write application: {found}."
    if len(at) == 2 and at[0] == "generators":
        allowed = [*allowed, "augmentation"]  # beside the options of every kind
    found = [x for x in _elsewhere(key, at) if x != ".".join([*map(str, at), key])]
    if not closest(key, allowed) and found:
        return f"Did you mean {' or '.join(found)}?"
    return nearest(key, allowed)


def _one_budget(key: str, value: Any) -> str:
    """A sentence that leads from an old budget to the one of all variants."""
    budget = value if isinstance(value, dict) else {"epochs": 100, "patience": 10}
    own = {"corrected": {key: budget}}
    return (
        f"All variants have one budget now: write training: {flow(budget)}. One that these alone "
        f"have belongs to a protocol: write protocols: {flow(own)}."
    )


def of_name(config: Block, section: str, name: str) -> str:
    """A sentence that leads from a name which a section lacks to what is meant."""
    if section in ("models", "backbones") and (found := application(name)):
        return as_backbone(name, found, section)
    if section in ("models", "generators") and name in plugin_files.names(section):
        return (
            f"It is a kind of {section}: write {section}: {{mine: {{kind: {name}}}}}, and 'mine' "
            f"here."
        )
    others = [x for x, found in config.items() if isinstance(found, dict) and name in found]
    known = f"It is one of {' and of '.join(others)}. " if others else ""
    return known + nearest(name, config[section])


def of_parameter(parameter: str, known: list[str]) -> str:
    """A sentence that leads from a parameter of a sweep to the known one that is meant."""
    section, _, old = parameter.rpartition(".")
    if section == "training" and old in MOVED:
        block, _, option = MOVED[old]
        return f"It is called training.{block}.{option} now."
    same = [x for x in known if x.split(".")[-1] == parameter]
    return f"Write {' or '.join(same)}." if same else nearest(parameter, known)


def of_kind(folder: str, kind: str) -> str:
    """A sentence that leads from a kind which has no file to what is meant."""
    if folder == "models" and (found := application(kind)):
        return as_backbone(kind, found, folder)
    return nearest(kind, plugin_files.names(folder))


def application(name: Any) -> str | None:
    """The network of `keras.applications` with a name, in upper or lower case."""
    known = json_schema.of_config()["$defs"]["backbone"]["properties"]["application"]["enum"]
    plain = str(name).lower().replace("-", "").replace("_", "")
    return next((x for x in known if x and x.lower() == plain), None)


def as_backbone(name: str, found: str, section: str) -> str:
    """A sentence about a network of `keras.applications` that is named in a section."""
    short = found.lower()
    told = (
        f"{name} is a network of keras.applications and is named as a backbone: write backbones: "
        f"{{{short}: {{application: {found}}}}} and, in the variant, backbone: {short}"
    )
    if section == "backbones":
        return f"{told}."
    takers = [
        kind
        for kind, plugin in plugin_options.readable("models")
        if plugin.constants["INPUT"] != "images"
    ]
    return (
        f"{told} with a model of kind {' or '.join(takers)}. To train it from scratch on images: "
        f"{{kind: application, name: {found}}}."
    )


def example(at: Path) -> Any:
    """What the example of the config has at a path; None if it has nothing there.

    A name of one's own stands for the first one of the example's section.
    """
    found = _example()
    for depth, part in enumerate(at):
        if not isinstance(found, dict):
            return None
        about = json_schema.of_config()["properties"].get(at[0], {})
        named = depth == 1 and isinstance(about.get("additionalProperties"), dict)
        found = next(iter(found.values())) if named and part not in found else found.get(part)
    return found


def _elsewhere(key: str, at: Path) -> list[str]:
    """Dotted paths at which a key may stand, those that share most with the path `at`."""
    found: dict[str, int] = {}
    for path in _paths():
        *parents, last = path.split(".")
        if last != key:
            continue
        shared = 0
        for part, here in zip(parents, map(str, at), strict=False):
            if part not in (here, "<name>"):
                break
            parents[shared], shared = here, shared + 1
        found.setdefault(".".join([*parents, last]), shared)
    best = max(found.values(), default=0)
    nearby = [path for path, shared in found.items() if shared == best]
    return sorted(nearby, key=lambda path: path.count("."))[:3]


@cache
def _example() -> Block:
    return yaml.safe_load(config_reference.EXAMPLE.read_text())


@cache
def _paths() -> tuple[str, ...]:
    """The dotted path of every key of the config, also of options; `<name>` is one's own."""
    schema = json_schema.of_config()
    paths = []
    for path, _, _ in config_reference.keys(schema, schema["$defs"]):
        section, *rest = path.split(".")
        if rest and isinstance(schema["properties"][section].get("additionalProperties"), dict):
            rest[0] = "<name>"  # also of a block that is always there
        paths.append(".".join([section, *rest]))
    for folder, above in OPTIONS.items():
        for _, plugin in plugin_options.readable(folder):
            paths += [f"{above}.{option}" for option in plugin.schema["properties"]]
    return tuple(dict.fromkeys(paths))
