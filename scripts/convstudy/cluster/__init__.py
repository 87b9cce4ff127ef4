"""Jobs on the nodes of a Slurm cluster: checked before the first, watched until the last.

Snakemake's plug-in for Slurm submits the jobs. `take_over` is called by the Snakefile and puts our
executor, which is the plug-in's and a little more, in its place; where the plug-in is not installed
nothing is done.
"""

from importlib import util
from typing import Any


def take_over(workflow: Any) -> None:
    """Let runs on Slurm be checked and watched; other runs are left alone.

    Args:
        workflow: Snakemake's.
    """
    installed = util.find_spec("snakemake_executor_plugin_slurm")
    if workflow.is_main_process and installed:
        from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

        from convstudy.cluster.executor import Executor

        ExecutorPluginRegistry().get_plugin("slurm").executor = Executor
