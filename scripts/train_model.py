"""Train one variant with one seed."""

import json

from convstudy.provenance import steps


def train(job, step):
    from convstudy.provenance import records
    from convstudy.training import device, loop

    seed = int(job.wildcards.seed)
    provenance = records.provenance(step.record, job.input.data) | {
        "git_commit": device.git_commit(),
        "processor": device.processor(),
        "load": device.load(),
    }
    with device.computing(step.record, job.config, seed):
        loop.train(
            json.loads(job.params.spec),
            seed,
            dict(job.input.items()),
            dict(job.output.items()),
            provenance,
            step.scratch,
            step.key,
            job.config["memory"]["data_mb"],
        )


if __name__ == "__main__":
    steps.run(snakemake, train)
