"""Read a raw data set, draw its splits, and write it as one HDF5 file."""

import json
from pathlib import Path

from convstudy.provenance import steps


def prepare(job, step):
    from convstudy.data import splits
    from convstudy.downloads import sources

    sources.check(json.loads(job.params.expected))
    spec = json.loads(job.params.spec)
    splits.prepare(
        spec["reader"],
        {name: Path(path) for name, path in spec["files"].items()},
        Path(job.output.data),
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


if __name__ == "__main__":
    steps.run(snakemake, prepare)
