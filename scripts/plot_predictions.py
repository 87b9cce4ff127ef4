"""Draw the confusion matrix and the reliability diagram of one variant, all seeds."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.data import hdf5
    from convstudy.report.plots import confusion, reliability, style
    from convstudy.statistics import sweep_selection

    spec, outputs = json.loads(job.params.spec), job.output
    files = sweep_selection.of_best(job.input.predictions, job.input.metrics, spec["seeds"])
    names = hdf5.read_attributes(files[0])["class_names"]
    confusion.plot(files, names, spec["title"], [outputs.confusion, outputs.confusion_svg])
    reliability.plot(
        files,
        spec["title"],
        style.colour_at(spec["colour"]),
        [outputs.reliability, outputs.reliability_svg],
    )


if __name__ == "__main__":
    steps.run(snakemake, plot)
