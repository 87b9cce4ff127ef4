"""Evaluate one trained variant on the test images."""

import json

from convstudy.provenance import steps


def evaluate(job, step):
    from convstudy.training import device, evaluation

    spec, names = json.loads(job.params.spec), job.wildcards
    seed = int(names.seed)
    with device.computing(step.record, job.config, seed):
        evaluation.evaluate(
            spec,
            {
                "dataset": names.dataset,
                "variant": names.variant,
                "task": spec["task"],
                "model": spec["model"],
                "generator": spec["generator_name"],
                "backbone": spec["backbone_name"],
                "seed": seed,
                "evaluate_device": step.record["device"],
            },
            dict(job.input.items()),
            dict(job.output.items()),
            job.config["memory"]["data_mb"],
        )


if __name__ == "__main__":
    steps.run(snakemake, evaluate)
