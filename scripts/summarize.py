"""Write the summary of the study: summary.csv for programs, summary.md for people."""

import json

from convstudy.provenance import steps


def summarize(job, step):
    from convstudy.report import summary

    runs = list(zip(job.input.metrics, job.input.predictions, strict=True))
    summary.of_study(json.loads(job.params.spec), runs, job.output.csv, job.output.markdown)


if __name__ == "__main__":
    steps.run(snakemake, summarize)
