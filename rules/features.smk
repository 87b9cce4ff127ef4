# Backbones, and the features they give: once a data set and backbone, for all heads.
#   output: results/backbones/{dataset}/{backbone}.keras
#           results/features/{dataset}/{backbone}.{h5,json}: vectors, and what they cost
#           results/features/{dataset}-fold{fold}/{backbone}.h5: those of a fold


rule build_backbone:
    input:
        unpack(backbone_inputs),
    output:
        backbone="results/backbones/{dataset}/{backbone}.keras",
    log:
        "results/logs/build_backbone/{dataset}/{backbone}.log",
    conda:
        "../envs/tensorflow.yaml"
    threads: threads_by_input["backbone"]
    resources:
        mem_mb=memory_of("build_backbone"),
        runtime=minutes_of("build_backbone"),
    params:
        spec=lambda w: canonical(network_of(w.backbone)),
        size=lambda w: canonical(config["datasets"][w.dataset]["image_size"]),
        expected=lambda w: expected(backbone_paths(w).values()),
        contents=lambda w: contents(backbone_paths(w).values()),
        origin=origin,
        # a trained network may have layers of its own
        code=lambda w: code(
            "build_backbone.py", *[f"models/{x['kind']}" for x in pretraining(w)]
        ),
    message:
        "Assembling {wildcards.backbone} for {wildcards.dataset}"
    script:
        "../scripts/build_backbone.py"


rule extract_features:
    input:
        data="results/data/{dataset}.h5",
        backbone="results/backbones/{dataset}/{backbone}.keras",
    output:
        features="results/features/{dataset}/{backbone}.h5",
        costs="results/features/{dataset}/{backbone}.json",
    log:
        "results/logs/extract_features/{dataset}/{backbone}.log",
    wildcard_constraints:
        dataset=sources.pattern(in_one()),
    conda:
        "../envs/tensorflow.yaml"
    threads: threads_by_input["backbone"]
    resources:
        mem_mb=memory_of("extract_features"),
        runtime=minutes_of("extract_features"),
        compute_threads=threads_by_input["backbone"],
        gpu=lambda w: gpu_for("backbone"),
    params:
        precision=lambda w: config["backbones"][w.backbone]["precision"],
        code=lambda w: code("extract_features.py"),
    message:
        "Features of {wildcards.dataset} from {wildcards.backbone}"
    script:
        "../scripts/extract_features.py"


use rule take_fold as take_fold_of_features with:
    input:
        pool="results/features/{dataset}/{backbone}.h5",
    output:
        data="results/features/{dataset}-fold{fold}/{backbone}.h5",
    log:
        "results/logs/take_fold/{dataset}-fold{fold}/{backbone}.log",
    message:
        "Fold {wildcards.fold} of the features of {wildcards.dataset} from {wildcards.backbone}"
