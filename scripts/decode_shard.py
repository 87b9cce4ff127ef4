"""Decode one pack of a large data set."""

from pathlib import Path

from convstudy.provenance import steps


def decode(job, step):
    from convstudy.data import shards

    shards.decode(Path(job.input.pack), Path(job.output.shard))


if __name__ == "__main__":
    steps.run(snakemake, decode)
