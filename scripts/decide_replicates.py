"""Decide whether a study has seeds enough."""

import json

from convstudy.provenance import steps


def decide(job, step):
    from convstudy.foundation import atomic_files
    from convstudy.statistics import replicates

    spec = json.loads(job.params.spec)
    runs = list(zip(job.input.metrics, job.input.predictions, strict=True))
    found = replicates.decide(spec["until"], spec["rows"], spec["comparisons"], runs)
    atomic_files.write_json(job.output.decision, found)


if __name__ == "__main__":
    steps.run(snakemake, decide)
