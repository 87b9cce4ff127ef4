"""Write the report of the study, one self-contained HTML page."""

import json

from convstudy.provenance import steps


def write(job, step):
    from convstudy.data import facts
    from convstudy.report import page
    from convstudy.statistics import aggregate, paired_tests

    spec, inputs = json.loads(job.params.spec), job.input
    runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
    data = facts.read(inputs.facts)
    page.write_report(
        job.output.report,
        spec,
        aggregate.summarize(spec["rows"], runs, facts.leaked(data)),
        paired_tests.compare(spec["comparisons"], spec["rows"], runs),
        runs,
        dict(zip(data, inputs.data, strict=True)),
        data,
    )


if __name__ == "__main__":
    steps.run(snakemake, write)
