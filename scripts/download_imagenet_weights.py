"""Download the ImageNet weights that Keras publishes for a network of `keras.applications`."""

from pathlib import Path

from convstudy import applications, downloads, runtime

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        source = applications.published(snakemake.wildcards.application)
        downloads.fetch(Path(snakemake.output.file), source)
