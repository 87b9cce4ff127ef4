"""Read a raw data set, draw its splits, and write it as one HDF5 file."""

import json
from pathlib import Path

from convstudy.provenance import steps


def prepare(job, step):
    from convstudy.data import preparation
    from convstudy.downloads import sources

    sources.check(json.loads(job.params.expected))
    spec = json.loads(job.params.spec)
    # copies of those that are in a bucket
    spec["files"] = dict(zip(spec["files"], job.input, strict=True))
    preparation.prepare(spec, *map(Path, job.output))


if __name__ == "__main__":
    steps.run(snakemake, prepare)
