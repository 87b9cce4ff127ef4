"""Check every result against the digests that were recorded when it was made."""

from pathlib import Path

import click


@click.command()
@click.argument("results", default="results", type=click.Path(exists=True, path_type=Path))
def command(results: Path) -> None:
    """Check everything in RESULTS against its recorded digests and name what does not fit."""
    from convstudy.provenance import verification

    count = 0
    for count, problem in enumerate(verification.problems(results), 1):  # noqa: B007
        click.echo(problem)
    if count:
        raise click.ClickException(f"{count} of the results do not fit their records")
    click.echo("everything fits its record")
