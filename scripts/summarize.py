"""Write the summary of a study: two tables for programs and a page for people."""

import json

from convstudy.provenance import steps


def summarize(job, step):
    from convstudy.report import summary

    runs = list(zip(job.input.metrics, job.input.predictions, strict=True))
    out = job.output
    summary.of_study(json.loads(job.params.spec), runs, out.csv, out.markdown, out.comparisons)


if __name__ == "__main__":
    steps.run(snakemake, summarize)
