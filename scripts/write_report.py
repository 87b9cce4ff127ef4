"""Write the report of the study, one self-contained HTML page."""

import json

from convstudy.provenance import steps


def write(job, step):
    from convstudy.report import page, tables
    from convstudy.statistics import aggregate, paired_tests

    spec, inputs = json.loads(job.params.spec), job.input
    runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
    frame = aggregate.summarize(spec["rows"], runs)
    page.write_report(
        job.output.report,
        spec["study"],
        frame,
        spec["rows"],
        paired_tests.compare(spec["comparisons"], spec["rows"], runs),
        list(inputs.metrics),
        spec["pictures"],
        tables.sweep_tables(frame, spec["rows"]),
    )


if __name__ == "__main__":
    steps.run(snakemake, write)
