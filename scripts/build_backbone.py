"""Assemble a backbone with its weights and its input preprocessing."""

import json

from convstudy import backbones, networks, runtime, sources

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        sources.check(json.loads(snakemake.params.expected))
        runtime.set_up_tensorflow(snakemake.threads, seed=0)
        model = backbones.build(
            json.loads(snakemake.params.spec),
            tuple(json.loads(snakemake.params.size)),
            snakemake.input.get("weights"),
        )
        networks.save_model(model, snakemake.output.backbone)
