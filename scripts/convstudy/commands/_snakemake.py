"""How the commands call Snakemake: with our Snakefile, for a project that may lie anywhere."""

import contextlib
import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from convstudy.cluster import profiles
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.study import config_files

SNAKEFILE = plugin_files.SCRIPTS.parent / "Snakefile"
TARGET = "results/summary.csv"
CONFIG = (".yaml", ".yml")
# of commands that hand options on
CONTEXT = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


def arguments(given: Sequence[str]) -> list[str]:
    """The arguments for Snakemake.

    Args:
        given: config files, then targets and options of Snakemake. The first config file's folder
            is the project, unless `--directory` is given; results/summary.csv is the target, unless
            another is.
    """
    count = next((i for i, x in enumerate(given) if not x.endswith(CONFIG)), len(given))
    files, rest = [str(Path(x).absolute()) for x in given[:count]], list(given[count:])
    config_files.check(given[:count])  # Snakemake reads them before the Snakefile could
    parsed = _parsed(rest)
    _check_profiles(parsed)
    if not files and not any((parsed.configfile, parsed.snakefile, parsed.directory)):
        _check_here(Path())
    # targets in front, because options such as --configfile take all words that follow
    found = [] if parsed.targets else [TARGET]
    if parsed.snakefile is None:
        found += ["--snakefile", str(SNAKEFILE)]
    if files:
        found += ["--configfile", *files]
        if parsed.directory is None:
            found += ["--directory", str(Path(files[0]).parent)]
    return found + rest


def _check_profiles(parsed: Any) -> None:
    """Refuse profiles for a cluster that could not be used, in words that name the repair."""
    names = [*(parsed.profile or []), *filter(None, [parsed.workflow_profile])]
    if not names:
        return
    from snakemake import cli

    options = set(cli.get_argument_parser()._option_string_actions)
    folders = [Path(), Path("profiles"), SNAKEFILE.parent / "profiles"]
    for name in names:
        profiles.check(name, folders, options)


def _check_here(folder: Path) -> None:
    """Refuse to run what comes with convstudy in a folder where nobody can have meant it."""
    is_project = any((folder / name).exists() for name in ("config.yaml", "Snakefile", "results"))
    if not is_project:
        found = ", ".join(sorted(path.name for path in folder.glob("*.y*ml")))
        raise UserError(
            "which study? Name its config file: convstudy run my.yaml"
            + (f" (here is {found})" if found else "")
            + f". The demo runs in the folder of convstudy, {SNAKEFILE.parent}."
        )


def project(arguments: list[str]) -> Path:
    """The project's folder, of arguments for Snakemake."""
    return Path(_parsed(arguments).directory or ".")


def graph(arguments: list[str]) -> Any:
    """Snakemake's graph of steps for these arguments, with what it holds stale.

    Snakemake builds the graph for `--summary`; here the graph is taken in place of the table. For
    that table it passes over files that a killed run left unfinished; here they are done again, as
    in a run, and are the graph's `unfinished`.
    """
    from snakemake import cli
    from snakemake.dag import DAG

    taken: list[Any] = []

    async def take(dag: Any, **_: Any) -> AsyncIterator[str]:
        taken.append(dag)
        for line in ():
            yield line

    async def force_unfinished(dag: Any) -> None:
        dag.unfinished = set(map(str, await dag.incomplete_files()))
        dag.forcefiles.update(dag.unfinished)

    with (
        mock.patch.object(DAG, "summary", take),
        mock.patch.object(DAG, "check_incomplete", force_unfinished),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            cli.main([*arguments, "--summary", "--quiet", "host", "progress", "rules", "reason"])
        except SystemExit as end:
            if end.code or not taken:
                raise
    return taken[0]


def _parsed(rest: list[str]) -> Any:
    from snakemake import cli

    return cli.get_argument_parser().parse_args(rest)
