# Data sets: what is read of them, and in how many shards. No rule.
from convstudy.study import job_sizes, shard_counts as counting


def data_paths(wildcards):
    """The raw files of a data set, as the config names them."""
    return list(config["datasets"][wildcards.dataset]["files"].values())


def data_files(wildcards):
    """The raw files of a data set."""
    if wildcards.dataset not in shard_counts:
        raise WorkflowError(
            f"datasets.{wildcards.dataset}.shards: auto is told by the size of its files, and they "
            f"are not all here: {', '.join(data_paths(wildcards))}. Have them made or downloaded "
            f"first (snakemake with their paths as targets), or give a number."
        )
    return list(map(by_content, data_paths(wildcards)))


def what_is_read(wildcards):
    """The block of a data set without what the summary alone says of it, or how it is made."""
    block = config["datasets"][wildcards.dataset]
    return {
        key: value
        for key, value in block.items()
        if key not in ("description", "drawn", "shards")
    }


def what_is_dealt(wildcards):
    """Of the same what the images are before they are drawn for their parts."""
    block = config["datasets"][wildcards.dataset]
    return {key: block[key] for key in counting.BEFORE_THE_SPLIT}


def given_megabytes(paths):
    """The size of files that the user gives; None where one is not here."""
    return job_sizes.megabytes(paths) if all(map(os.path.exists, paths)) else None


items = counting.items
shard_counts = counting.of_all(config["datasets"], given_megabytes)


def in_shards(*counts):
    """The data sets that go into so many shards, or into more than one."""
    return [x for x, n in shard_counts.items() if n in counts or (not counts and n > 1)]


def in_one():
    """The data sets that one job prepares."""
    return [x for x in config["datasets"] if x not in in_shards()]


def shard_files(wildcards, pattern):
    """The files of all shards of a data set."""
    names = items(shard_counts[wildcards.dataset])
    return expand(
        f"results/shards/{{dataset}}/{pattern}", item=names, **dict(wildcards.items())
    )
