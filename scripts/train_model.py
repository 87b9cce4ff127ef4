"""Train one variant with one seed."""

import json

from convstudy import steps


def train(job, step):
    from convstudy import records, runtime, training

    seed = int(job.wildcards.seed)
    provenance = records.provenance(step.record, job.input.data) | {
        "git_commit": runtime.git_commit(),
    }
    runtime.set_up_tensorflow(step.record["threads"], seed)
    training.train(
        json.loads(job.params.spec),
        seed,
        dict(job.input.items()),
        dict(job.output.items()),
        provenance,
        step.scratch,
        step.key,
    )


if __name__ == "__main__":
    steps.run(snakemake, train)
