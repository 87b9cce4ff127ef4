"""Draw the confusion matrix and the reliability diagram of one variant, all seeds."""

import json

from convstudy.provenance import steps


def plot(job, step):
    import numpy as np

    from convstudy.data import hdf5
    from convstudy.report.plots import confusion, reliability, style
    from convstudy.statistics import metrics_file, sweep_selection

    spec, inputs, outputs = json.loads(job.params.spec), job.input, job.output
    files, about = (
        sweep_selection.of_best(paths, inputs.metrics, spec["runs"])
        for paths in (inputs.predictions, inputs.metrics)
    )
    found = [metrics_file.read(path) for path in about]
    names = hdf5.read_attributes(files[0])["class_names"]
    pictures = [outputs.confusion, outputs.confusion_svg]
    confusion.plot(files, names, spec["title"], pictures, spec["seeds"])
    reliability.plot(
        files,
        *(float(np.mean([run[key] for run in found])) for key in ("test_ece", "test_ece_floor")),
        spec["title"],
        style.colour_at(spec["colour"]),
        [outputs.reliability, outputs.reliability_svg],
        spec["seeds"],
    )


if __name__ == "__main__":
    steps.run(snakemake, plot)
