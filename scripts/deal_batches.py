"""Deal the batches of a large data set's images to jobs that compute the features of some each."""

from pathlib import Path

from convstudy.provenance import steps


def deal(job, step):
    from convstudy.data import batch_shards

    batch_shards.deal(Path(job.input.data), list(map(Path, job.output)))


if __name__ == "__main__":
    steps.run(snakemake, deal)
