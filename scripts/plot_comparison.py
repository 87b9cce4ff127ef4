"""Draw the variants of one declared comparison on one picture."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.report.plots import comparison, style
    from convstudy.statistics import aggregate, paired_tests

    spec, inputs = json.loads(job.params.spec), job.input
    runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
    summary = aggregate.summarize(spec["rows"], runs).set_index("variant")
    # the histories come variant by variant, run by run
    files = iter(inputs.histories)
    histories = {
        row["variant"]: [
            (style.run(run), next(files))
            for run in spec["runs"][row["variant"]]
            if not row["combines"]
        ]
        for row in spec["rows"]
    }
    # of a sweep that is compared, the chosen value alone
    kept = [
        x for x in histories if x in spec["comparison"]["variants"] or summary.loc[x, "selected"]
    ]
    comparison.plot(
        {name: histories[name] for name in kept},
        summary,
        paired_tests.compare([spec["comparison"]], spec["rows"], runs),
        {name: style.colour_at(number) for name, number in spec["colours"].items()},
        spec["comparison"]["title"],
        list(job.output),
    )


if __name__ == "__main__":
    steps.run(snakemake, plot)
