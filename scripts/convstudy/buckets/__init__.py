"""Files in S3 buckets: given data by their addresses, and all results beside their records.

Snakemake's storage plug-in for S3 brings the files. `take_over` is called by the Snakefile and puts
our storage object, which is the plug-in's and a little more, in its place. Nothing here is needed,
and no library for S3, where no file is in a bucket.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib import util
from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files, plugin_files
from convstudy.foundation.errors import UserError

PLUGIN = "snakemake-storage-plugin-s3"
INSTALL = f"pip install -r {plugin_files.SCRIPTS.parent / 'requirements-storage.txt'}"
SCHEME = "s3://"


def take_over(workflow: Any, record_of: Callable[[str], Path]) -> None:
    """Let files in buckets be ours, and bring the records of results that are there.

    Args:
        workflow: Snakemake's.
        record_of: where the record of a result lies.

    Raises:
        UserError: the bucket of the results cannot be used; one sentence says why.
    """
    if not _installed():
        return
    import snakemake_storage_plugin_s3 as plugin

    from convstudy.buckets.objects import Object

    plugin.StorageProvider.get_storage_object_cls = classmethod(lambda cls: Object)
    settings = workflow.storage_settings
    if settings.default_storage_provider == "s3":
        Object.root = (settings.default_storage_prefix or "").rstrip("/")
        Object.record_of = staticmethod(record_of)
        _mark_results(workflow.modifier.path_modifier)
        if workflow.is_main_process:
            _bring_records(workflow.storage_registry.default_storage_provider, Object.root)


def _mark_results(modifier: Any) -> None:
    """Have Snakemake take files of rules for files in the bucket.

    Its own way takes a file whose local copy has the file's own path for one that is not there.
    """
    from snakemake.path_modifier import PATH_MODIFIER_FLAG

    def modify(path: Any, property: str | None = None) -> Any:
        flags = getattr(path, "flags", {})
        if callable(path) or PATH_MODIFIER_FLAG in flags or "local" in flags:
            return path
        marked = modifier.apply_default_storage(path)
        marked.flags[PATH_MODIFIER_FLAG] = True
        return marked

    modifier.modify = modify


def _bring_records(provider: Any, root: str) -> None:
    from convstudy.buckets import queries

    queries.mirror(provider.s3c, root, atomic_files.OWN / "records")


def bring(files: Iterable[Any]) -> None:
    """Have copies here of results that are in a bucket and not here, or here as they were.

    Raises:
        UserError: the bucket does not answer, or refuses.
    """
    for file in files:
        if not file.is_storage:
            continue
        found, place = file.storage_object, Path(file)
        if not place.exists() or place.stat().st_mtime < found.mtime():
            found.retrieve_object()


def is_address(path: str) -> bool:
    """Whether a path of the config is the address of a file or folder in a bucket."""
    return path.startswith(SCHEME)


def check(path: str) -> str:
    """An address, if what reads it is installed.

    Raises:
        UserError: the plug-in is missing.
    """
    if not _installed():
        raise UserError(f"{path}: files in a bucket need {PLUGIN}: {INSTALL}")
    return path


@cache  # asked for each file of thousands
def _installed() -> bool:
    return util.find_spec(PLUGIN.replace("-", "_")) is not None


def digest(file: Any) -> str | None:
    """What tells another content of a file or folder in a bucket; None where there is none.

    Args:
        file: a path that Snakemake's `storage` has marked.

    Raises:
        UserError: the bucket does not answer, refuses, or is not there.
    """
    from convstudy.buckets import queries

    found = file.flags["storage_object"]
    return queries.digest(found.provider.s3c, found.query)


def address(path: str) -> str:
    """How Snakemake calls a file of which a step has this local path."""
    if not _installed():
        return path
    from convstudy.buckets.objects import Object

    return Object.address(path)
