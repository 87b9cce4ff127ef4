"""Download a missing file from the addresses of its source."""

import json
from pathlib import Path

from convstudy import steps


def download(job):
    from convstudy import downloads, sources

    source = sources.Source(**json.loads(job.params.source))
    downloads.fetch(Path(job.output.file), source)


if __name__ == "__main__":
    # no step of the cache: a second copy of a large file, and one that could replace a user's
    with steps.logging_to(snakemake.log[0]):
        download(snakemake)
