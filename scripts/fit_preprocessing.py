"""Learn a generator's statistics from the training images, or from those of several subsets."""

import json

from convstudy.provenance import steps


def fit(job, step):
    from convstudy import generators
    from convstudy.data import hdf5, stored_rows

    block = json.loads(job.params.spec)
    generator = generators.make(block.pop("kind"), block)
    subsets = job.params.get("subsets", "train").split()
    rows = stored_rows.of_subsets(job.input.data, subsets, "images")
    images = stored_rows.held(rows, stored_rows.Memory(job.config["memory"]["data_mb"]))
    statistics = generator.fit(images)
    hdf5.write_statistics(job.output.statistics, statistics, n_train=len(images))


if __name__ == "__main__":
    steps.run(snakemake, fit)
