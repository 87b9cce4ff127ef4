# Threads, GPUs, memory, time and groups of jobs, which decide no result that is finished. No rule.
from convstudy.foundation import devices
from convstudy.study import job_sizes, thread_counts

# On a cluster `auto` is what the profile asks for: the machine with Snakemake is none of its nodes.
is_here = workflow.is_main_process and "turns" not in workflow.global_resources
try:
    gpus = devices.usable(config["device"], logger.warning) if is_here else []
except UserError as error:
    raise WorkflowError(str(error)) from None
if gpus and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", len(gpus) * config["gpu"]["jobs"])


def threads_recorded(path):
    """How many threads the step had that made a file; None where none has left a record."""
    record = records.path_of(path)
    try:
        return records.read(record)["threads"] if record.is_file() else None
    except UserError:  # of which those tell who need all of it
        return None


threads_by_input = thread_counts.of_study(
    config["threads"],
    study,
    workflow.resource_settings.cores if is_here else None,
    threads_recorded,
)


def gpu_for(takes):
    """What a step asks for, by what its network takes: a GPU or, as without this, none.

    Heads on features compute for seconds, which a GPU's start alone takes.
    """
    is_wanted = gpus or config["device"] == "gpu"
    return 1 if is_wanted and takes != "features" else None


def threads_of(wildcards):
    """Threads of a training or evaluation, by the input of its model.

    As `threads` they are what Snakemake reserves, fewer where `-c` gives fewer; as the resource
    `compute_threads` what TensorFlow gets, whatever is free. Neither makes a finished result stale.
    """
    return threads_by_input[run_of(wildcards)["input"]]


def together(takes, otherwise=None):
    """The group of a step, by what its model takes: many heads share one job of a cluster.

    Only where a profile gives `turns`: without a cluster there are no groups. Nor are there where
    seeds are added, as Snakemake loses count of groups that a checkpoint brings.
    """
    if "turns" not in workflow.global_resources or study.block["replicates"]:
        return None
    return "heads" if takes == "features" else otherwise


def start_together(wildcards):
    """The group of initial weights; those that several variants wait for are a job of their own."""
    model = config["models"][wildcards.model]
    return together(plugin_options.constant("models", model, "INPUT"))


def run_together(wildcards):
    """The group of a training and its evaluation, which wait for one job of a cluster."""
    return together(run_of(wildcards)["input"], otherwise="runs")


def memory_of(step):
    """What a step asks a cluster for, by the size of all that it reads, and by the attempt."""
    return lambda w, input, attempt: job_sizes.memory_mb(
        step, input, attempt, config["memory"]["data_mb"]
    )


def minutes_of(step):
    """The same of its time."""
    return lambda w, input, attempt: job_sizes.minutes(step, input, attempt)


def memory_of_run(kind):
    """What a training or evaluation asks for, by the size of its images or features."""
    return lambda w, input, attempt: job_sizes.memory_mb(
        job_sizes.of_run(kind, run_of(w)),
        [input.data],
        attempt,
        config["memory"]["data_mb"],
    )


def minutes_of_run(kind):
    """The same of its time; of a training by its epochs, too."""
    return lambda w, input, attempt: job_sizes.minutes(
        job_sizes.of_run(kind, run_of(w)),
        [input.data],
        attempt,
        job_sizes.passes(training_of(w)) if kind == "train" else 1,
    )
