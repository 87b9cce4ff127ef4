"""Draw augmented training images of one generator and data set."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.report.plots import augmented
    from convstudy.training import augmented_sample, device

    spec, dataset = json.loads(job.params.spec), job.input.data
    device.set_up_tensorflow(step.record["threads"], seed=0)
    images, shares = augmented_sample.drawn(dataset, spec["steps"])
    augmented.plot(dataset, images, shares, spec["title"], spec["told"], list(job.output))


if __name__ == "__main__":
    steps.run(snakemake, plot)
