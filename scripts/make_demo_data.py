"""Draw one of the demo's data sets and write it in the on-disk format of the real one."""

import json
from pathlib import Path

from convstudy import runtime
from convstudy.demo import formats

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        outputs = [Path(path) for path in snakemake.output]
        write = formats.write_objects if len(outputs) == 1 else formats.write_birds
        write(*outputs, **json.loads(snakemake.params.spec))
