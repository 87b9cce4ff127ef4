"""Draw one of the demo's data sets and write it in the on-disk format of the real one."""

import json
from pathlib import Path

from convstudy.provenance import steps


def draw(job, step):
    from convstudy.demo import formats

    outputs = [Path(path) for path in job.output]
    write = formats.write_objects if len(outputs) == 1 else formats.write_birds
    write(*outputs, **json.loads(job.params.spec))


if __name__ == "__main__":
    steps.run(snakemake, draw)
