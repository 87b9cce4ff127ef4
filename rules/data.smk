# Raw archives or folders to split data sets, and the statistics of their training images.
#   input:  the files that config.yaml names
#   output: results/data/{dataset}.{h5,json,csv,duplicates.csv},
#           results/preprocessing/{dataset}/{generator}[-with_validation].h5
# Data sets in shards are made by shards.smk.
# Of a data set with folds {dataset}.h5 holds all images; each fold is a data set of its own in the
# files after it: results/data/{dataset}-fold{fold}.h5.


rule prepare_data:
    input:
        data_files,
    output:
        data="results/data/{dataset}.h5",
        facts="results/data/{dataset}.json",
        table="results/data/{dataset}.csv",
        pairs="results/data/{dataset}.duplicates.csv",
    log:
        "results/logs/prepare_data/{dataset}.log",
    wildcard_constraints:
        dataset=sources.pattern(in_one()),
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("prepare_data"),
        runtime=minutes_of("prepare_data"),
    params:
        spec=lambda w: canonical(what_is_read(w)),
        expected=lambda w: expected(data_paths(w)),
        contents=lambda w: contents(data_paths(w)),
        code=lambda w: code(
            "prepare_data.py",
            f"readers/{config['datasets'][w.dataset]['reader']}",
        ),
    message:
        "Reading and splitting {wildcards.dataset}"
    script:
        "../scripts/prepare_data.py"


rule take_fold:
    input:
        pool="results/data/{dataset}.h5",
    output:
        data="results/data/{dataset}-fold{fold}.h5",
    log:
        "results/logs/take_fold/{dataset}-fold{fold}.log",
    wildcard_constraints:
        dataset=sources.pattern(folds.having(config["datasets"])),
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("take_fold"),
        runtime=minutes_of("take_fold"),
    params:
        code=lambda w: code("take_fold.py"),
    message:
        "Fold {wildcards.fold} of {wildcards.dataset}"
    script:
        "../scripts/take_fold.py"


rule fit_preprocessing:
    input:
        data="results/data/{dataset}.h5",
    output:
        statistics="results/preprocessing/{dataset}/{generator}.h5",
    log:
        "results/logs/fit_preprocessing/{dataset}/{generator}.log",
    wildcard_constraints:
        dataset=trained_on,
    conda:
        "../envs/tensorflow.yaml"
    resources:
        mem_mb=memory_of("fit_preprocessing"),
        runtime=minutes_of("fit_preprocessing"),
    params:
        spec=lambda w: canonical(fitted(w.generator)),
        code=lambda w: code(
            "fit_preprocessing.py",
            f"generators/{config['generators'][w.generator]['kind']}",
        ),
    message:
        "Statistics of {wildcards.generator} on the training images of {wildcards.dataset}"
    script:
        "../scripts/fit_preprocessing.py"


use rule fit_preprocessing as fit_preprocessing_with_validation with:
    output:
        statistics="results/preprocessing/{dataset}/{generator}-with_validation.h5",
    log:
        "results/logs/fit_preprocessing/{dataset}/{generator}-with_validation.log",
    params:
        subsets="train validation",
    message:
        "Statistics of {wildcards.generator} on all training images of {wildcards.dataset}, validation included"
