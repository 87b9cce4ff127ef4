"""Draw sample images of one data set."""

import json

from convstudy.provenance import steps


def plot(job, step):
    from convstudy.report.plots import samples

    title = json.loads(job.params.spec)["title"]
    samples.plot(job.input.data, title, list(job.output))


if __name__ == "__main__":
    steps.run(snakemake, plot)
