"""Learn a generator's statistics from the training images, or from those of several subsets."""

import json

from convstudy.provenance import steps


def fit(job, step):
    import numpy as np

    from convstudy import generators
    from convstudy.data import hdf5

    block = json.loads(job.params.spec)
    generator = generators.make(block.pop("kind"), block)
    subsets = job.params.get("subsets", "train").split()
    images = np.concatenate(
        [hdf5.read_subset(job.input.data, subset, ("images",))[0] for subset in subsets]
    )
    statistics = generator.fit(images)
    hdf5.write_statistics(job.output.statistics, statistics, n_train=len(images))


if __name__ == "__main__":
    steps.run(snakemake, fit)
