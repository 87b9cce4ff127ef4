"""Train one variant with one seed."""

import json

from convstudy import digests, runtime, training

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        seed, params = int(snakemake.wildcards.seed), snakemake.params
        provenance = {
            "data": digests.of_file(snakemake.input.data),
            "initial_weights": digests.of_file(snakemake.input.initial_weights),
            "code": digests.of_text(params.code + params.model_code),
            "config": digests.of_text(params.spec),
            "versions": runtime.versions(),
            "git_commit": runtime.git_commit(),
            "threads": params.compute_threads,
        }
        runtime.set_up_tensorflow(params.compute_threads, seed)
        training.train(
            json.loads(params.spec),
            seed,
            snakemake.input.data,
            snakemake.input.get("statistics"),
            snakemake.input.initial_weights,
            dict(snakemake.output.items()),
            provenance,
        )
