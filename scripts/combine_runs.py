"""Take the mean of the predictions of evaluated runs, as a run of its own."""

import json

from convstudy.provenance import steps


def combine(job, step):
    from convstudy.statistics import combination

    spec, names = json.loads(job.params.spec), job.wildcards
    about = {"dataset": names.dataset, "variant": names.variant, "seed": int(names.seed)}
    combination.combine(
        spec["plan"], spec["identity"] | about, dict(job.input.items()), dict(job.output.items())
    )


if __name__ == "__main__":
    steps.run(snakemake, combine)
