"""Write the report of the study, one self-contained HTML page."""

import json

from convstudy import comparison, report, runtime

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        spec, inputs = json.loads(snakemake.params.spec), snakemake.input
        runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
        report.write_report(
            snakemake.output.report,
            spec["study"],
            comparison.summarize(spec["rows"], runs),
            spec["rows"],
            comparison.compare(spec["comparisons"], spec["rows"], runs),
            list(inputs.metrics),
            spec["pictures"],
        )
