"""Print the reference of the config."""

import click


@click.command()
def command() -> None:
    """Print every key of the config, its type, default and meaning, as Markdown."""
    from convstudy.study import config_reference

    click.echo(config_reference.markdown(), nl=False)
