"""Jobs on the nodes of a cluster, Slurm's or Kubernetes': checked before the first, and watched.

Snakemake's plug-ins submit the jobs. `take_over` is called by the Snakefile and puts our executors,
which are the plug-ins' and a little more, in their places; where no plug-in is installed nothing is
done.
"""

from importlib import import_module, util
from typing import Any

OURS = {"slurm": "executor", "kubernetes": "pods"}  # plug-in, and the module of our executor


def take_over(workflow: Any) -> None:
    """Let runs on a cluster be checked and watched; other runs are left alone.

    Args:
        workflow: Snakemake's.
    """
    if not workflow.is_main_process:
        return
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

    for name, module in OURS.items():
        if util.find_spec(f"snakemake_executor_plugin_{name}"):
            plugin = ExecutorPluginRegistry().get_plugin(name)
            plugin.executor = import_module(f"convstudy.cluster.{module}").Executor
            # a container has what its jobs need, of the versions that are pinned
            plugin.common_settings.auto_deploy_default_storage_provider = False
