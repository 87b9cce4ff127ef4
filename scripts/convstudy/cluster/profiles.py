"""Profiles for a cluster, checked before Snakemake reads them: its own words name no repair."""

from importlib import metadata, util
from pathlib import Path
from typing import Any

import yaml

from convstudy.cluster.preflight import pinned
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError

BUILT_IN = ("local", "dryrun", "touch")


def check(name: str, folders: list[Path], options: set[str]) -> None:
    """Refuse a profile whose plug-ins are not installed, or are of another version.

    A profile that is not found is Snakemake's to complain of.

    Args:
        name: the profile's name or path.
        folders: where Snakemake looks for it, in this order.
        options: the command-line options that Snakemake knows.

    Raises:
        UserError: the plug-in is missing, or does not know an option of the profile.
    """
    places = [folder / name for folder in folders]
    files = [x if x.is_file() else x / "config.yaml" for x in places]
    path = next((x for x in files if x.is_file()), None)
    content = yaml.safe_load(path.read_text()) if path else None
    content = content if isinstance(content, dict) else {}
    for kind, key in (("executor", "executor"), ("storage", "default-storage-provider")):
        if content.get(key) not in (None, *BUILT_IN):
            _check_plugin(path, kind, content[key], content, options)


def _check_plugin(
    path: Path | None, kind: str, name: str, content: dict[str, Any], options: set[str]
) -> None:
    """Refuse a profile whose plug-in of a kind is missing, or does not know its options."""
    plugin = f"snakemake-{kind}-plugin-{name}"
    install = f"pip install -r {plugin_files.SCRIPTS.parent / _requirements(kind, name)}"
    if util.find_spec(plugin.replace("-", "_")) is None:
        raise UserError(f"{path}: {kind} '{name}' needs {plugin}: {install}")
    start = f"{name}-" if kind == "executor" else f"{kind}-{name}-"
    unknown = [x for x in content if x.startswith(start) and f"--{x}" not in options]
    if unknown:
        raise UserError(
            f"{path}: {plugin} {metadata.version(plugin)} does not know {', '.join(unknown)}; this "
            f"profile is written for {pinned().get(plugin, 'another version')}: {install}"
        )


def _requirements(kind: str, name: str) -> str:
    """The file of the root that has a plug-in."""
    if kind == "storage":
        return "requirements-storage.txt"
    return f"requirements-{'kubernetes' if name == 'kubernetes' else 'cluster'}.txt"
