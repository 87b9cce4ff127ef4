"""Draw the accuracies of one sweep against its values."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.report.plots import sweep
    from convstudy.statistics import metrics_file, sweep_selection

    spec = json.loads(job.params.spec)
    runs, seeds = [metrics_file.read(path) for path in job.input.metrics], len(spec["seeds"])
    # the metrics come point by point, seed by seed
    accuracies = [
        {
            subset: [run[f"{subset}_accuracy"] for run in runs[i : i + seeds]]
            for subset in ("validation", "test")
        }
        for i in range(0, len(runs), seeds)
    ]
    sweep.plot(
        spec["points"],
        accuracies,
        sweep_selection.best([point["validation"] for point in accuracies]),
        spec["title"],
        spec["colour"],
        list(job.output),
    )


if __name__ == "__main__":
    steps.run(snakemake, plot)
