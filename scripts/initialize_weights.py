"""Draw the initial weights of a model, shared by all its variants."""

import json

from convstudy import steps


def initialize(job, step):
    from convstudy import networks, runtime

    runtime.set_up_tensorflow(1, seed=int(job.wildcards.seed))
    networks.initialize(
        json.loads(job.params.spec),
        job.input.data,
        job.input.get("backbone"),
        job.output.weights,
    )


if __name__ == "__main__":
    steps.run(snakemake, initialize)
