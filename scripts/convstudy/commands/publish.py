"""Write a study's tables and pictures into a folder of the project's documentation."""

import shlex
import subprocess
import sys
from pathlib import Path

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(folder: Path, arguments: tuple[str, ...]) -> None:
    """Write README.md, summary.csv and plots/ of a study into FOLDER, from what lies in results/.

    ARGUMENTS are those that you would give to snakemake, as `--config study=NAME`: its summary is
    brought up to date first. Pictures of the data are left out, because they may not be yours to
    publish.
    """
    from convstudy.report import publication

    made = subprocess.run(
        [sys.executable, "-m", "snakemake", "-c1", publication.SUMMARY, *arguments], check=False
    )
    if made.returncode:
        raise click.ClickException("nothing is published: the study's summary could not be made")
    said = shlex.join(["./convstudy", "publish", str(folder), *arguments])
    written = publication.publish(folder, said)
    click.echo(f"{folder}: {len(written)} files")
