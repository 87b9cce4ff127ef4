# What is looked at before Snakemake asks what is stale. No rule.
from snakemake.iocontainers import Wildcards

from convstudy.foundation import warm_start
from convstudy.provenance import snakemake_metadata, staleness
from convstudy.study import given_files


def refuse_missing_files():
    """Refuse a study whose files are neither there nor made by a rule.

    A file whose content was read into the results already may be gone, until that is to be read in
    another way: Snakemake leaves alone what it could not make again.
    """
    for key, path, result in given_files.of(config, study, in_shards()):
        if is_there(path) or any(x.is_producer(path) for x in workflow.rules):
            continue
        changes = changes_of(result) if Path(result).exists() else [f"no {result} yet"]
        if changes:
            raise WorkflowError(
                f"config: {key}: there is no file or folder '{path}', and it has to be read "
                f"({changes[0]}). Put it there, or correct the path."
            )


def is_there(path):
    """Whether there is such a file or folder, here or in a bucket."""
    if not buckets.is_address(path):
        return Path(path).exists()
    try:
        return digest_of(path) is not None
    except UserError as error:
        raise WorkflowError(str(error)) from None


def changes_of(result):
    """What differs between the settings and code of a result's step and its record."""
    made_by = next(x for x in workflow.rules if x.is_producer(result))
    wildcards = Wildcards(fromdict=made_by.get_wildcards(result))
    try:
        record = records.read(records.path_of(result))
    except UserError as error:
        return [str(error).rstrip(".")]
    params = {name: value(wildcards) for name, value in made_by.params.items()}
    now = params | {"contents": record["params"].get("contents")}
    return staleness.changes(record, now)


def remember_records():
    """Let Snakemake know what the records say, before it looks for what is stale."""
    if workflow.is_main_process:
        count = snakemake_metadata.restore(Path(".snakemake"), named=buckets.address)
        if count:
            logger.info(
                f"Corrected what Snakemake remembers of {count} files by their records."
            )


if workflow.is_main_process:
    refuse_missing_files()
    warm_start.offer()
else:  # a job on a node, in a pod or in a group: what it may use ends with it
    warm_start.withdraw()
remember_records()
