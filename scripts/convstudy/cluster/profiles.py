"""Profiles for a cluster, checked before Snakemake reads them: its own words name no repair."""

from importlib import metadata, util
from pathlib import Path

import yaml

from convstudy.cluster.preflight import INSTALL, pinned
from convstudy.foundation.errors import UserError

BUILT_IN = ("local", "dryrun", "touch")


def check(name: str, folders: list[Path], options: set[str]) -> None:
    """Refuse a profile whose executor is not installed, or is of another version.

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
    executor = content.get("executor") if isinstance(content, dict) else None
    if executor is None or executor in BUILT_IN:
        return
    plugin = f"snakemake-executor-plugin-{executor}"
    if util.find_spec(plugin.replace("-", "_")) is None:
        raise UserError(f"{path}: executor '{executor}' needs {plugin}: {INSTALL}")
    unknown = [x for x in content if x.startswith(f"{executor}-") and f"--{x}" not in options]
    if unknown:
        raise UserError(
            f"{path}: {plugin} {metadata.version(plugin)} does not know {', '.join(unknown)}; this "
            f"profile is written for {pinned().get(plugin, 'another version')}: {INSTALL}"
        )
