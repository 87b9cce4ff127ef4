"""Learn a generator's statistics from the training images alone."""

import json

from convstudy import steps


def fit(job, step):
    from convstudy import generators, store

    block = json.loads(job.params.spec)
    generator = generators.make(block.pop("kind"), block)
    (images,) = store.read_subset(job.input.data, "train", ("images",))
    statistics = generator.fit(images)
    store.write_statistics(job.output.statistics, statistics, n_train=len(images))


if __name__ == "__main__":
    steps.run(snakemake, fit)
