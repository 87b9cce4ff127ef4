"""Snakemake's storage object for S3, for results that travel with their records.

Where all results are in a bucket (`default-storage-provider: s3`), the local copy of a result lies
where the result would lie without a bucket, so rules, steps and records need not know of it. Data
that the user gives by an address is copied into Snakemake's own folder instead: a file beside the
config is the user's, and is neither overwritten nor removed.
"""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snakemake_interface_storage_plugins.io import Mtime
from snakemake_storage_plugin_s3 import StorageObject

from convstudy.buckets import queries
from convstudy.foundation.errors import UserError

LOCAL = ".snakemake/storage/s3/"
RESULTS = "results/"


class Object(StorageObject):
    """A file in a bucket.

    Attributes:
        root: address of the folder in which the results are; empty where they are not in a bucket.
        record_of: where the record of a result lies.
    """

    root = ""
    record_of: Callable[[str], Path]

    def __post_init__(self) -> None:  # noqa: D105
        super().__post_init__()
        if path := self._result():
            self.print_query = path

    @classmethod
    def address(cls, path: str) -> str:
        """The address of a file of which a step has this local path; a file here has its path."""
        if cls.root and path.startswith(RESULTS):
            return f"{cls.root}/{path}"
        return f"s3://{path.removeprefix(LOCAL)}" if path.startswith(LOCAL) else path

    def _result(self, suffix: str | None = None) -> str | None:
        """The path of a result; None of any other file."""
        suffix, start = suffix or self.local_suffix(), self.root.removeprefix("s3://") + "/"
        if self.root and suffix.startswith(start + RESULTS):
            return suffix.removeprefix(start)
        return None

    def local_suffix(self) -> str:
        """Bucket and key of the query as it is now: Snakemake adds constraints of wildcards."""
        return self.query.removeprefix("s3://")

    def _place(self, suffix: str | None = None) -> Path:
        suffix = suffix or self.local_suffix()
        return Path(self._result(suffix) or self.provider.local_prefix / suffix)

    def local_path(self) -> Path:
        """Where the local copy lies."""
        return self._overwrite_local_path or self._place()

    def cache_key(self, local_suffix: str | None = None) -> str:
        """How Snakemake's notes of what is in storage name this file, or another one."""
        return str(self._place(local_suffix))

    def get_inventory_parent(self) -> str | None:
        """How these notes name what is looked at together: all results, by one listing."""
        return self.root if self._result() else super().get_inventory_parent()

    async def inventory(self, cache: Any) -> None:
        """Note of all results at once what is in the bucket."""
        if not self._result():
            return
        if self.root not in cache.exists_in_storage:
            cache.exists_in_storage[self.root] = True
            await self._note_results(cache)

    async def _note_results(self, cache: Any) -> None:
        for file in queries.listing(self.provider.s3c, f"{self.root}/results"):
            key = self.cache_key(f"{file.bucket_name}/{file.key}")
            cache.mtime[key] = Mtime(storage=file.last_modified.timestamp())
            cache.size[key], cache.exists_in_storage[key] = file.size, True

    def is_dir(self) -> bool:
        """Whether it is a folder, which no result is."""
        return not self._result() and super().is_dir()

    def _told(self, what: str) -> Any:
        named = self.root if self._result() else self.query  # one sentence for many results
        return queries.told(self.provider.s3c.meta.client, named, what)

    def exists(self) -> bool:
        """Whether the file or folder is in the bucket."""
        with self._told("read"):
            return queries.exists(self.s3obj()) or self.is_dir()

    def mtime(self) -> float:
        """When it was put there; what was given always counts as newer than a copy of it here.

        Files that were removed from a folder leave no date. What is made of given data is stale by
        its content (`queries.digest`), not by this.
        """
        if not self._result():
            return math.inf
        with self._told("read"):
            return super().mtime()

    def size(self) -> int:
        """Its bytes."""
        with self._told("read"):
            return super().size()

    def retrieve_object(self) -> None:
        """Make the local copy, of a result with its record."""
        path = self._result()
        if path:
            record = self.record_of(path)
            with self._told("read"):
                queries.bring(self.provider.s3c, f"{self.root}/{record}", record, needed=False)
                queries.bring(self.provider.s3c, self.query, self.local_path())
            return
        if self.local_path().is_dir():
            shutil.rmtree(self.local_path())
        with self._told("read"):
            self._check_names()
            super().retrieve_object()

    def _check_names(self) -> None:
        """Refuse a folder with a file whose copy would lie elsewhere."""
        for file in self.get_subkeys():
            if ".." in Path(file.key).parts:
                raise UserError(
                    f"{self.query}: holds '{file.key}', whose name leads out of the folder: remove "
                    f"it there, or give it another name"
                )

    def store_object(self) -> None:
        """Put the file into the bucket, of a result after its record: neither fits another one."""
        path = self._result()
        with self._told("written"):
            if path and (record := self.record_of(path)).exists():
                key = queries.split(f"{self.root}/{record}")[1]
                self.s3bucket().upload_file(str(record), key)
            self.s3obj().upload_file(str(self.local_path()))

    def remove(self) -> None:
        """Remove the file from the bucket; the bucket stays, even an empty one."""
        with self._told("written"):
            self.s3obj().delete()
