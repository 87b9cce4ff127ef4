"""Read a raw data set, draw its splits, and write it as one HDF5 file."""

from pathlib import Path

from convstudy.provenance import steps


def prepare(job, step):
    from convstudy.data import preparation
    from convstudy.downloads import sources

    block = sources.block_of(job.params.spec, job.params.expected, job.input)
    preparation.prepare(block, preparation.Outputs(*map(Path, job.output)))


if __name__ == "__main__":
    steps.run(snakemake, prepare)
