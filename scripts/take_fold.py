"""Write one fold of a data set, or of its features, from the file of all its images."""

from convstudy.provenance import steps


def take(job, step):
    from convstudy.data import folds

    folds.take(job.input.pool, int(job.wildcards.fold), job.output.data)


if __name__ == "__main__":
    steps.run(snakemake, take)
