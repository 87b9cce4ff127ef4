"""Draw the confusion matrix and the reliability diagram of one variant, all seeds."""

import json

from convstudy import runtime, store
from convstudy.plots import confusion, reliability, style

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        spec, outputs = json.loads(snakemake.params.spec), snakemake.output
        files = list(snakemake.input.predictions)
        names = store.read_attributes(files[0])["class_names"]
        confusion.plot(files, names, spec["title"], [outputs.confusion, outputs.confusion_svg])
        reliability.plot(
            files,
            spec["title"],
            style.colour_at(spec["colour"]),
            [outputs.reliability, outputs.reliability_svg],
        )
