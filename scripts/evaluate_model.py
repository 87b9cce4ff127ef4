"""Evaluate one trained variant on the test images."""

import json

from convstudy import evaluation, runtime

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        spec, names = json.loads(snakemake.params.spec), snakemake.wildcards
        runtime.set_up_tensorflow(snakemake.params.compute_threads, int(names.seed))
        evaluation.evaluate(
            spec,
            {
                "dataset": names.dataset,
                "variant": names.variant,
                "task": spec["task"],
                "model": spec["model"],
                "generator": spec["generator_name"],
                "backbone": spec["backbone_name"],
                "seed": int(names.seed),
            },
            snakemake.input.data,
            snakemake.input.get("statistics"),
            snakemake.input.model,
            snakemake.input.run,
            dict(snakemake.output.items()),
        )
