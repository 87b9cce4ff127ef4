"""Jobs on Kubernetes: Snakemake's plug-in, with what is missing said before the first job.

A job runs in a container of its own with an empty folder. Snakemake sends it the sources and
fetches its inputs from a bucket; a step that reads data of this machine is run here.
"""

import os
from pathlib import Path
from typing import Any

import kubernetes
import snakemake_executor_plugin_kubernetes as plugin
import urllib3
from kubernetes.config.config_exception import ConfigException
from snakemake_interface_common.exceptions import WorkflowError

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import first_line


class Executor(plugin.Executor):
    """The plug-in's executor, which starts only what can run."""

    def __post_init__(self) -> None:  # noqa: D105
        # a folder of this machine, which a container has not: its jobs start where the sources are
        self.workflow.overwrite_workdir = None
        check_folder(self.workflow.main_snakefile)
        try:
            super().__post_init__()
        except ConfigException as error:
            raise WorkflowError(
                f"no Kubernetes cluster is set up here ({first_line(error)}): have KUBECONFIG name "
                f"the file with which `kubectl get nodes` works"
            ) from None
        except urllib3.exceptions.MaxRetryError:
            raise WorkflowError(
                f"Kubernetes does not answer at {_server()}: nothing was submitted. Try again when "
                f"`kubectl get nodes` shows the nodes"
            ) from None
        except kubernetes.client.ApiException as error:
            raise WorkflowError(
                f"Kubernetes at {_server()} refuses to keep a secret in namespace "
                f"'{self.namespace}' ({error.status} {error.reason}): set kubernetes-namespace in "
                f"the profile to one in which you may create secrets and jobs"
            ) from None

    def get_snakefile(self) -> str:
        """The Snakefile among the sources that a job gets."""
        return os.path.relpath(super().get_snakefile())

    def report_job_error(self, job_info: Any, **about: Any) -> None:
        """Bring the job's logs, which say why, before Snakemake is told."""
        job = job_info.job
        for path in (path for one in (job.jobs if job.is_group() else [job]) for path in one.log):
            if path.is_storage and path.storage_object.exists():
                path.storage_object.retrieve_object()
        super().report_job_error(job_info, **about)


def send_all(dag_class: Any, rules: Path) -> None:
    """Have the jobs get the rules' schemas, and the user's own code, whether git knows them or not.

    Args:
        dag_class: Snakemake's, whose `get_sources` lists what is sent.
        rules: the folder of the rules.
    """
    others = dag_class.get_sources

    def get_sources(dag: Any) -> set[str]:
        folders = filter(None, [rules, plugin_files.own_folder()])
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return {*others(dag), *(os.path.relpath(x) for x in files if x.suffix != ".pyc")}

    dag_class.get_sources = get_sources


def _server() -> str:
    return kubernetes.client.Configuration.get_default_copy().host


def check_folder(snakefile: str) -> None:
    """Refuse a start elsewhere than in convstudy's folder, whose files are sent to the jobs.

    Raises:
        WorkflowError: the Snakefile does not lie in or below the current folder.
    """
    if os.path.relpath(snakefile).startswith(".."):
        folder = os.path.dirname(snakefile)
        raise WorkflowError(
            f"jobs on Kubernetes get the files below the folder of the study, and {snakefile} is "
            f"not there: put the config file into {folder}, and start from there"
        )
