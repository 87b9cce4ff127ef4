"""Download the ImageNet weights that Keras publishes for a network of `keras.applications`."""

from pathlib import Path

from convstudy import steps


def download(job):
    from convstudy import applications, downloads

    source = applications.published(job.wildcards.application)
    downloads.fetch(Path(job.output.file), source)


if __name__ == "__main__":
    steps.run_uncached(snakemake, download)
