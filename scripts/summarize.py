"""Write the summary of the study: summary.csv for programs, summary.md for people."""

import json
import os

from convstudy import steps


def summarize(job, step):
    from convstudy import comparison, summary

    spec, inputs, outputs = json.loads(job.params.spec), job.input, job.output
    runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
    folder = os.path.dirname(outputs.markdown)
    pictures = {
        heading: [(title, os.path.relpath(path, folder)) for title, path in entries]
        for heading, entries in spec["pictures"].items()
    }
    summary.write_summary(
        comparison.summarize(spec["rows"], runs),
        spec["rows"],
        outputs.csv,
        outputs.markdown,
        spec["study"],
        pictures,
        comparison.compare(spec["comparisons"], spec["rows"], runs),
    )


if __name__ == "__main__":
    steps.run(snakemake, summarize)
