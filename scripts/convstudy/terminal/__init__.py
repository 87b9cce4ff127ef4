"""What a run shows on the terminal, however it is started: `take_over` is called by the Snakefile.

Snakemake finds logger plug-ins only where they are installed, and this project is used from its
folder. So its handler for the terminal is replaced; the file in `.snakemake/log` has all details.
"""

from typing import Any

from snakemake.logging import logger
from snakemake.settings.enums import Quietness

from convstudy.terminal import screen
from convstudy.terminal.handler import PlainErrors, RunHandler


def take_over(workflow: Any, config: dict[str, Any]) -> None:
    """Show this run in our way, unless the user asked for another.

    Dry runs, `--verbose`, `--quiet` and `--logger` keep what Snakemake shows (with errors cut to
    what matters). Processes that Snakemake starts for single jobs are left alone.

    Args:
        workflow: Snakemake's.
        config: the config, by reference: the study is known only when all of it is read.
    """
    settings = workflow.output_settings
    default = [x for x in logger.handlers if x.name == "DefaultStreamHandler"]
    if not workflow.is_main_process or not default or settings.verbose or settings.debug_dag:
        return
    (default,) = default
    if settings.dryrun or (settings.quiet or set()) - {Quietness.HOST}:
        default.setFormatter(PlainErrors(default.formatter))
        return
    logger.removeHandler(default)
    shown = screen.screen(default.stream, colour=not settings.nocolor)
    logger.addHandler(RunHandler(shown, workflow, config))
