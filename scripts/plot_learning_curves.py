"""Draw the learning curves of one variant, all seeds."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.report.plots import learning_curves, style

    spec = json.loads(job.params.spec)
    runs = map(style.run, spec["runs"])
    learning_curves.plot(
        list(zip(runs, job.input.histories, strict=True)),
        spec["title"],
        style.colour_at(spec["colour"]),
        list(job.output),
    )


if __name__ == "__main__":
    steps.run(snakemake, plot)
