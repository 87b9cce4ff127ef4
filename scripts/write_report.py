"""Write the report of the study, one self-contained HTML page."""

import json

from convstudy import steps


def write(job, step):
    from convstudy import comparison, report, selection

    spec, inputs = json.loads(job.params.spec), job.input
    runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
    frame = comparison.summarize(spec["rows"], runs)
    report.write_report(
        job.output.report,
        spec["study"],
        frame,
        spec["rows"],
        comparison.compare(spec["comparisons"], spec["rows"], runs),
        list(inputs.metrics),
        spec["pictures"],
        selection.tables(frame, spec["rows"]),
    )


if __name__ == "__main__":
    steps.run(snakemake, write)
