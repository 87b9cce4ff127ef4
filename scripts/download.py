"""Download a missing file from the addresses of its source."""

import json
from pathlib import Path

from convstudy.provenance import steps


def download(job):
    from convstudy.downloads import sources, transfer

    source = sources.Source(**json.loads(job.params.source))
    transfer.fetch(Path(job.output.file), source)


if __name__ == "__main__":
    steps.run_uncached(snakemake, download)
