"""Draw sample images of one data set."""

import json

from convstudy import runtime
from convstudy.plots import samples

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        title = json.loads(snakemake.params.spec)["title"]
        samples.plot(snakemake.input.data, title, list(snakemake.output))
