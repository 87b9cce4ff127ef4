"""The files that the user gives to a study, and what is made of each first.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Collection, Iterator

from convstudy.study.schema import Block
from convstudy.study.studies import Study


def of(
    config: Block, study: Study, in_shards: Collection[str] = ()
) -> Iterator[tuple[str, str, str]]:
    """Files that the user gives to a study, as (key in the config, path, first file made of it).

    That file is another of the data sets that are in shards.
    """
    needed, datasets = [(x["dataset"], x["backbone_name"]) for x in study.trained()], set()
    for dataset, backbone in needed:  # grows by what the backbones are trained on
        if dataset not in datasets:
            datasets.add(dataset)
            listing = f"results/shards/{dataset}/images.json"
            first = listing if dataset in in_shards else f"results/data/{dataset}.h5"
            for name, path in config["datasets"][dataset]["files"].items():
                yield f"datasets.{dataset}.files.{name}", path, first
        if backbone is None:
            continue
        block, where = config["backbones"][backbone], f"backbones.{backbone}"
        result = f"results/backbones/{dataset}/{backbone}.keras"
        weights = block["weights"] if isinstance(block["weights"], dict) else {}
        if block["file"]:
            yield f"{where}.file", block["file"], result
        elif "file" in weights:
            yield f"{where}.weights.file", weights["file"], result
        elif "variant" in weights:
            variant = weights["variant"]
            run = study.runs[config["variants"][variant]["dataset"], variant]
            needed.append((run["dataset"], run["backbone_name"]))
