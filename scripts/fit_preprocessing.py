"""Learn a generator's statistics from the training images alone."""

import json

from convstudy import generators, runtime, store

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        block = json.loads(snakemake.params.spec)
        generator = generators.make(block.pop("kind"), block)
        (images,) = store.read_subset(snakemake.input.data, "train", ("images",))
        statistics = generator.fit(images)
        store.write_statistics(snakemake.output.statistics, statistics, n_train=len(images))
