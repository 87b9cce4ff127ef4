"""Assemble a backbone with its weights and its input preprocessing."""

import json

from convstudy import steps


def build(job, step):
    from convstudy import backbones, networks, runtime, sources

    sources.check(json.loads(job.params.expected))
    runtime.set_up_tensorflow(job.threads, seed=0)
    model = backbones.build(
        json.loads(job.params.spec),
        tuple(json.loads(job.params.size)),
        job.input.get("weights"),
        json.loads(job.params.origin),
    )
    networks.save_model(model, job.output.backbone)


if __name__ == "__main__":
    steps.run(snakemake, build)
