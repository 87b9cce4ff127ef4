"""Draw the learning curves of one variant, all seeds."""

import json

from convstudy import runtime
from convstudy.plots import learning_curves, style

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        spec = json.loads(snakemake.params.spec)
        learning_curves.plot(
            list(zip(spec["seeds"], snakemake.input.histories, strict=True)),
            spec["title"],
            style.colour_at(spec["colour"]),
            list(snakemake.output),
        )
