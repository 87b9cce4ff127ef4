"""Draw the variants of one declared comparison on one picture."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.report.plots import comparison, style
    from convstudy.statistics import aggregate

    spec, inputs = json.loads(job.params.spec), job.input
    runs = list(zip(inputs.metrics, inputs.predictions, strict=True))
    frame = aggregate.summarize(spec["rows"], runs).set_index("variant")
    # the histories come variant by variant, seed by seed
    files = iter(inputs.histories)
    histories = {
        row["variant"]: [(seed, next(files)) for seed in spec["seeds"]] for row in spec["rows"]
    }
    # of a sweep that is compared, the chosen value alone
    kept = [x for x in histories if x in spec["variants"] or frame.loc[x, "selected"]]
    histories = {name: histories[name] for name in kept}
    columns = ["test_accuracy_mean", "test_accuracy_ci_low", "test_accuracy_ci_high"]
    comparison.plot(
        histories,
        {name: tuple(frame.loc[name, columns]) for name in histories},
        float(frame["majority_accuracy"].iloc[0]),
        {name: style.colour_at(number) for name, number in spec["colours"].items()},
        spec["title"],
        list(job.output),
    )


if __name__ == "__main__":
    steps.run(snakemake, plot)
