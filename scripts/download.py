"""Download a missing file from the addresses of its source."""

import json
from pathlib import Path

from convstudy import downloads, runtime
from convstudy.sources import Source

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        block = json.loads(snakemake.params.source)
        downloads.fetch(Path(snakemake.output.file), Source(**block))
