"""Run the study of a config file, which may lie anywhere."""

import os
import sys

import click

from convstudy.commands import _snakemake


@click.command(context_settings=_snakemake.CONTEXT)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Run a study: convstudy run [CONFIG.yaml ...] [targets and options of snakemake].

    The project is the folder of the first config file: results, cache and logs appear there, and
    paths in the config start there. Without a config file it is the working directory. The target
    is results/summary.csv if none is named. What is read first is the config.yaml beside the
    Snakefile; CONFIG adds to it or overrides it.
    """
    command = [sys.executable, "-P", "-m", "snakemake", *_snakemake.arguments(arguments)]
    os.execv(sys.executable, command)
