"""Read a raw data set, draw its splits, and write it as one HDF5 file."""

import json
from pathlib import Path

from convstudy import runtime, sources, splits

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        sources.check(json.loads(snakemake.params.expected))
        spec = json.loads(snakemake.params.spec)
        splits.prepare(
            spec["reader"],
            {name: Path(path) for name, path in spec["files"].items()},
            Path(snakemake.output.data),
            options=spec["options"],
            image_size=tuple(spec["image_size"]),
            classes=spec["classes"],
            max_classes=spec["max_classes"],
            max_train_per_class=spec["max_train_per_class"],
            max_test_per_class=spec["max_test_per_class"],
            validation_fraction=spec["validation_fraction"],
            seed=spec["seed"],
            about={"description": spec["description"]},
        )
