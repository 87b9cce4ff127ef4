"""Deal the stored images of a large data set into packs, for jobs that decode one each."""

from pathlib import Path

from convstudy.provenance import steps


def deal(job, step):
    from convstudy.data import preparation
    from convstudy.downloads import sources

    block = sources.block_of(job.params.spec, job.params.expected, job.input)
    preparation.deal(block, Path(job.output.listing), list(map(Path, job.output.packs)))


if __name__ == "__main__":
    steps.run(snakemake, deal)
