# Files that the config names and that are missing, from their addresses. A file that is there is the
# output of no rule: Snakemake deletes outputs, and a user's file is not ours to delete.
#   output: the paths of `sources`; data/keras/{application}.h5 (ImageNet weights of a Keras network)


rule download:
    output:
        # `update`: what someone puts there while the job waits is not deleted either
        file=update(here("{source}")),
    log:
        "results/logs/download/{source}.log",
    wildcard_constraints:
        source=sources.pattern(sources.missing(config["sources"])),
    # runs where Snakemake was started: the nodes of a cluster often have no network
    localrule: True
    conda:
        "../envs/download.yaml"
    params:
        source=lambda w: canonical(config["sources"][w.source]),
        code=lambda w: code("download.py"),
    message:
        "Downloading {wildcards.source}"
    script:
        "../scripts/download.py"


rule download_imagenet_weights:
    output:
        file=update(here(imagenet_weights("{application}"))),
    log:
        "results/logs/download_imagenet_weights/{application}.log",
    wildcard_constraints:
        application=sources.pattern(undeclared_applications()),
    localrule: True
    conda:
        "../envs/tensorflow.yaml"
    params:
        code=lambda w: code("download_imagenet_weights.py"),
    message:
        "Downloading the ImageNet weights of {wildcards.application}"
    script:
        "../scripts/download_imagenet_weights.py"
