"""Assemble a backbone with its weights and its input preprocessing."""

import json

from convstudy.provenance import steps


def build(job, step):
    from convstudy.downloads import sources
    from convstudy.networks import backbones, keras_file
    from convstudy.training import device

    sources.check(json.loads(job.params.expected))
    device.set_up_tensorflow(job.threads, seed=0)
    model = backbones.build(
        json.loads(job.params.spec),
        tuple(json.loads(job.params.size)),
        job.input.get("weights"),
        json.loads(job.params.origin),
    )
    keras_file.save_model(model, job.output.backbone)


if __name__ == "__main__":
    steps.run(snakemake, build)
