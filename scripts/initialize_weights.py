"""Draw the initial weights of a model, shared by all its variants."""

import json

from convstudy import networks, runtime

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        runtime.set_up_tensorflow(1, seed=int(snakemake.wildcards.seed))
        networks.initialize(
            json.loads(snakemake.params.spec),
            snakemake.input.data,
            snakemake.input.get("backbone"),
            snakemake.output.weights,
        )
