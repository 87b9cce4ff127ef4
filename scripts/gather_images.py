"""Draw the splits of a large data set, and write it as one HDF5 file out of its shards."""

import json
from pathlib import Path

from convstudy.provenance import steps


def gather(job, step):
    from convstudy.data import preparation

    outputs = preparation.Outputs(*map(Path, job.output))
    shards = list(map(Path, job.input.shards))
    preparation.gather(json.loads(job.params.spec), Path(job.input.listing), shards, outputs)


if __name__ == "__main__":
    steps.run(snakemake, gather)
