# convstudy: from raw images to a summary that can be defended.
#
#   rules/sources.smk   addresses           ->  files that the config names and that are missing
#   rules/demo.smk      drawn archives          ->  results/demo/
#   rules/data.smk      archive or folder       ->  results/data/, results/preprocessing/
#   rules/features.smk  images and backbone     ->  results/backbones/, results/features/
#   rules/shards.smk    large data sets         ->  results/shards/, and the same in parts
#   rules/train.smk     images or features      ->  results/initial_weights/, results/runs/
#   rules/plots.smk     runs of the study       ->  results/studies/{study}/plots/
#   rules/compare.smk   runs of the study       ->  results/studies/, results/summary.csv, report.html
from snakemake.utils import min_version

min_version("9.0")


# what Snakemake's own report says first: snakemake --report report.zip
report: "rules/captions/workflow.rst"


include: "rules/terminal.smk"
include: "rules/cluster.smk"
include: "rules/buckets.smk"
include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/backbones.smk"
include: "rules/resources.smk"
include: "rules/sources.smk"
include: "rules/demo.smk"
include: "rules/data.smk"
include: "rules/features.smk"
include: "rules/shards.smk"
include: "rules/train.smk"
include: "rules/studies.smk"
include: "rules/plots.smk"
include: "rules/compare.smk"
include: "rules/start.smk"


rule all:
    default_target: True
    input:
        "results/summary.csv",
        "results/report.html",
