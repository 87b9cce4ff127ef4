# Backbones: what their networks depend on, and where their weights come from. No rule.


def imagenet_weights(application):
    """The file of a Keras network's ImageNet weights."""
    return f"data/keras/{application}.h5"


def published_weights():
    """The files of ImageNet weights that backbones begin with, and whose they are."""
    blocks = config["backbones"].values()
    names = {x["application"] for x in blocks if x["weights"] == "imagenet"} - {None}
    return {imagenet_weights(name): name for name in sorted(names)}


def undeclared_applications():
    """Networks whose ImageNet weights are missing and have no entry in `sources`."""
    paths = published_weights()
    return [paths[x] for x in sources.missing(paths) if x not in config["sources"]]


def network_of(backbone):
    """What a backbone's network depends on, in whatever precision its features are computed."""
    block = config["backbones"][backbone]
    return {key: value for key, value in block.items() if key != "precision"}


def backbone_paths(wildcards):
    """The file that a backbone's weights come from, as the config names it."""
    backbone = config["backbones"][wildcards.backbone]
    inputs, weights = {}, backbone["weights"]
    if backbone["file"]:
        inputs["weights"] = backbone["file"]
    elif weights == "imagenet":
        inputs["weights"] = imagenet_weights(backbone["application"])
    elif isinstance(weights, dict) and "file" in weights:
        inputs["weights"] = weights["file"]
    elif isinstance(weights, dict):
        dataset = config["variants"][weights["variant"]]["dataset"]
        inputs["weights"] = (
            f"results/runs/{dataset}/{weights['variant']}/seed{weights['seed']}/model.keras"
        )
    return inputs


def backbone_inputs(wildcards):
    """The same as an input."""
    return {name: by_content(path) for name, path in backbone_paths(wildcards).items()}


def pretraining(wildcards):
    """The run that a backbone's weights come from, in a list; an empty one where none is."""
    weights = config["backbones"][wildcards.backbone]["weights"]
    if not isinstance(weights, dict) or "variant" not in weights:
        return []
    dataset = config["variants"][weights["variant"]]["dataset"]
    return [study.runs[dataset, weights["variant"]]]


def origin(wildcards):
    """Of the variant that a backbone's weights come from: model file, and cut of its backbone."""
    found = [
        {"kind": run["kind"], "cut": run["backbone"]["cut"]}
        for run in pretraining(wildcards)
    ]
    return canonical(found[0] if found else None)
