"""Look into the cache of finished steps, check it, make it smaller."""

import os
from pathlib import Path

import click

from convstudy.foundation import atomic_files
from convstudy.provenance.cache import Cache

FOLDER = atomic_files.OWN / "cache"


@click.group()
@click.option("--folder", default=FOLDER, type=Path, help="The config's cache.folder.")
@click.pass_context
def command(ctx: click.Context, folder: Path) -> None:
    """Finished steps that are kept to be restored: list, check, trim."""
    cache = Cache(folder, 0)
    if why := cache.hindrance(os.R_OK | os.X_OK):
        raise click.ClickException(f"{folder}: this cache cannot be looked into ({why}).")
    if not folder.is_dir():
        raise click.ClickException(
            f"{folder}: there is no cache here. Name another one, of the config's cache.folder: "
            f"convstudy cache --folder FOLDER {ctx.invoked_subcommand}"
        )
    ctx.obj = cache


@command.command("list")
@click.pass_obj
def list_steps(cache: Cache) -> None:
    """List the steps, the one used longest ago first."""
    count = 0
    for entry, step in cache.steps():
        count += 1
        names = " ".join(step["wildcards"].values())
        click.echo(f"{entry.stem[:12]}  {step['rule']:<24} {names}")
    click.echo(f"{count} steps, {cache.size() / 1e6:.1f} MB")


@command.command()
@click.pass_obj
def check(cache: Cache) -> None:
    """Compare every file in the cache with its digest; damaged ones are never used."""
    damaged = cache.damaged()
    for path in damaged:
        click.echo(f"{path}: damaged, or not readable; delete it, its step is then done again")
    if damaged:
        raise click.ClickException(f"{len(damaged)} damaged files")
    click.echo("every file is whole")


@command.command()
@click.option("--to-gb", default=0.0, show_default=True, help="What may stay, in 10^9 bytes.")
@click.pass_obj
def trim(cache: Cache, to_gb: float) -> None:
    """Drop the steps used longest ago; by default all of them."""
    before = cache.size()
    cache.trim(int(to_gb * 1e9))
    click.echo(f"{(before - cache.size()) / 1e6:.1f} MB freed")
