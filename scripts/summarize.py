"""Write the summary of a study: two tables for programs and a page for people."""

import json

from convstudy.provenance import steps


def summarize(job, step):
    from convstudy.data import facts
    from convstudy.report import summary

    runs = list(zip(job.input.metrics, job.input.predictions, strict=True))
    data = facts.read(job.input.facts)
    out = job.output
    summary.of_study(
        json.loads(job.params.spec), runs, data, out.csv, out.markdown, out.comparisons
    )


if __name__ == "__main__":
    steps.run(snakemake, summarize)
