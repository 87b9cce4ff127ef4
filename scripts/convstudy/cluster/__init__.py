"""Jobs on the nodes of a cluster, Slurm's or Kubernetes': checked before the first, and watched.

Snakemake's plug-ins submit the jobs. `take_over` is called by the Snakefile and puts our executors,
which are the plug-ins' and a little more, in their places; where no plug-in is installed nothing is
done.
"""

from importlib import util
from pathlib import Path
from typing import Any


def take_over(workflow: Any) -> None:
    """Let runs on a cluster be checked and watched; other runs are left alone.

    Args:
        workflow: Snakemake's.
    """
    if workflow.is_main_process:
        if util.find_spec("snakemake_executor_plugin_slurm"):
            from convstudy.cluster.executor import Executor

            _plugin("slurm").executor = Executor
        if util.find_spec("snakemake_executor_plugin_kubernetes"):
            from snakemake.dag import DAG

            from convstudy.cluster import pods

            plugin = _plugin("kubernetes")
            plugin.executor = pods.Executor
            # the image has what its jobs need, of the versions that are pinned
            plugin.common_settings.auto_deploy_default_storage_provider = False
            pods.send_all(DAG, Path(workflow.basedir, "rules"))


def _plugin(name: str) -> Any:
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

    return ExecutorPluginRegistry().get_plugin(name)
