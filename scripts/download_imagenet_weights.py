"""Download the ImageNet weights that Keras publishes for a network of `keras.applications`."""

from pathlib import Path

from convstudy.provenance import steps


def download(job):
    from convstudy.downloads import transfer
    from convstudy.networks import applications

    source = applications.published(job.wildcards.application)
    transfer.fetch(Path(job.output.file), source)


if __name__ == "__main__":
    steps.run_uncached(snakemake, download)
