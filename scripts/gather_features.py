"""Put the features of a large data set together, and what they cost."""

from pathlib import Path

from convstudy.provenance import steps


def gather(job, step):
    from convstudy.data import batch_shards

    made, out = job.input, job.output
    batch_shards.gather(Path(made.data), list(map(Path, made.features)), Path(out.features))
    batch_shards.add_costs(list(map(Path, made.costs)), Path(out.costs))


if __name__ == "__main__":
    steps.run(snakemake, gather)
