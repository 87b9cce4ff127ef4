"""Write a study's tables and pictures into a folder of the project's documentation."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

from convstudy.commands import _snakemake


@click.command(context_settings=_snakemake.CONTEXT)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--replace", is_flag=True, help="Replace files that publish did not write, too.")
def command(folder: Path, arguments: tuple[str, ...], replace: bool) -> None:
    """Write README.md, summary.csv and plots/ of a study into FOLDER, from what lies in results/.

    ARGUMENTS are those of `run`, as a config file or `--config study=NAME`: the study's summary is
    brought up to date first. Pictures of the data are left out, because they may not be yours to
    publish. What it wrote before is replaced; a file of your own is not, without --replace.
    """
    from convstudy.report import publication

    given = _snakemake.arguments(arguments)
    folder, named = folder.absolute(), folder
    publication.check(folder, replace=replace)
    made = subprocess.run([sys.executable, "-P", "-m", "snakemake", *given], check=False)
    if made.returncode:
        raise click.ClickException("nothing is published: the study's summary could not be made")
    said = shlex.join(["./convstudy", "publish", str(named), *arguments])
    os.chdir(_snakemake.project(given))
    written = publication.publish(folder, said, replace)
    click.echo(f"{folder}: {len(written)} files")
