"""Draw the initial weights of a model, shared by all its variants."""

import json

from convstudy.provenance import steps


def initialize(job, step):
    from convstudy.networks import initial_weights
    from convstudy.training import device

    device.set_up_tensorflow(1, seed=int(job.wildcards.seed))
    initial_weights.initialize(
        json.loads(job.params.spec),
        job.input.data,
        job.input.get("backbone"),
        job.output.weights,
    )


if __name__ == "__main__":
    steps.run(snakemake, initialize)
