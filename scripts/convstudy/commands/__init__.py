"""The commands of `./convstudy`, one file each with a click command named `command`.

They are run in the project's folder, as `snakemake` is, or are given its config file. A command
imports what it needs inside its function, so that `--help` is quick.
"""

from importlib import import_module
from pathlib import Path

import click

from convstudy.foundation import environment
from convstudy.foundation.errors import UserError


class _Commands(click.Group):
    """The files of this folder as commands; a `UserError` is one line and exit status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem[0] != "_")

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        return import_module(f"convstudy.commands.{name}").command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands)
def main() -> None:
    """Commands beside the workflow; run them in the project's folder, or give its config file."""
    environment.prepare()
