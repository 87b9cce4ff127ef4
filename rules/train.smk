# One random start a model and seed; training and evaluation of each variant and seed.
#   output: results/initial_weights/{dataset}/{model}[-on-{backbone}]/seed{seed}.keras
#           results/runs/{dataset}/{variant}/seed{seed}/{model.keras,history.csv,run.json}
#           results/runs/{dataset}/{variant}/seed{seed}/stage{stage}.{keras,csv,json}: of a variant
#           with stages, each but the last
#           results/runs/{dataset}/{variant}/seed{seed}/{metrics.json,predictions.h5}, those of a
#           combination from the network or the predictions that it is made of
# Of a data set with folds there is a run for each fold, results/runs/{dataset}-fold{fold}/.
# Each takes one of the `turns` of its group, of which a cluster's profile gives one: the steps that
# share a job run one after the other, and ask for the memory of the largest.


rule initialize_weights:
    input:
        unpack(start_inputs),
    output:
        weights="results/initial_weights/{dataset}/{model}/seed{seed}.keras",
    log:
        "results/logs/initialize_weights/{dataset}/{model}/seed{seed}.log",
    group:
        start_together
    conda:
        "../envs/tensorflow.yaml"
    resources:
        mem_mb=memory_of("initialize_weights"),
        runtime=minutes_of("initialize_weights"),
        turns=1,
    params:
        spec=start_spec,
        code=lambda w: code(
            "initialize_weights.py",
            f"models/{config['models'][w.model]['kind']}",
        ),
    message:
        "Initial weights of {wildcards.model} for {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/initialize_weights.py"


use rule initialize_weights as initialize_weights_on_backbone with:
    output:
        weights="results/initial_weights/{dataset}/{model}-on-{backbone}/seed{seed}.keras",
    log:
        "results/logs/initialize_weights/{dataset}/{model}-on-{backbone}/seed{seed}.log",
    threads: threads_by_input["backbone"]


rule train_model:
    input:
        unpack(training_inputs),
    output:
        model="results/runs/{dataset}/{variant}/seed{seed}/model.keras",
        history="results/runs/{dataset}/{variant}/seed{seed}/history.csv",
        run="results/runs/{dataset}/{variant}/seed{seed}/run.json",
    log:
        "results/logs/train_model/{dataset}/{variant}/seed{seed}.log",
    wildcard_constraints:
        dataset=trained_on,
    group:
        run_together
    conda:
        "../envs/tensorflow.yaml"
    threads: threads_of
    resources:
        mem_mb=memory_of_run("train"),
        runtime=minutes_of_run("train"),
        turns=1,
        compute_threads=threads_of,
        gpu=lambda w: gpu_for(training_of(w)["input"]),
    params:
        spec=training_spec,
        code=lambda w: run_code(
            "train_model.py", training_of(w), *steps_of(training_of(w)["generator"])
        ),
    message:
        "Training {wildcards.variant} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"


use rule train_model as train_stage with:
    output:
        model="results/runs/{dataset}/{variant}/seed{seed}/stage{stage}.keras",
        history="results/runs/{dataset}/{variant}/seed{seed}/stage{stage}.csv",
        run="results/runs/{dataset}/{variant}/seed{seed}/stage{stage}.json",
    log:
        "results/logs/train_model/{dataset}/{variant}/seed{seed}-stage{stage}.log",
    message:
        "Training {wildcards.variant} on {wildcards.dataset}, seed {wildcards.seed}, "
        "stage {wildcards.stage}"


rule evaluate_model:
    input:
        unpack(run_inputs),
        unpack(extraction_costs),
        model=lambda w: f"{network_folder(w)}/model.keras",
        run=lambda w: f"{network_folder(w)}/run.json",
    output:
        metrics="results/runs/{dataset}/{variant}/seed{seed}/metrics.json",
        predictions="results/runs/{dataset}/{variant}/seed{seed}/predictions.h5",
    log:
        "results/logs/evaluate_model/{dataset}/{variant}/seed{seed}.log",
    wildcard_constraints:
        dataset=trained_on,
    group:
        run_together
    conda:
        "../envs/tensorflow.yaml"
    threads: threads_of
    resources:
        mem_mb=memory_of_run("evaluate"),
        runtime=minutes_of_run("evaluate"),
        turns=1,
        compute_threads=threads_of,
        gpu=lambda w: gpu_for(run_of(w)["input"]),
    params:
        spec=lambda w: canonical(
            {
                key: run_of(w)[key]
                for key in (
                    "kind",
                    "input",
                    "generator",
                    "task",
                    "model",
                    "generator_name",
                    "backbone_name",
                )
            }
            | (run_of(w)["plan"] or {})
        ),
        code=lambda w: run_code("evaluate_model.py", run_of(w)),
    message:
        "Evaluating {wildcards.variant} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_model.py"


rule combine_runs:
    input:
        metrics=lambda w: combination_plan.sources(
            run_of(w), w.dataset, w.seed, "metrics.json"
        ),
        predictions=lambda w: combination_plan.sources(
            run_of(w), w.dataset, w.seed, "predictions.h5"
        ),
        validation=lambda w: combination_plan.chosen_by(run_of(w), w.dataset, w.seed),
    output:
        metrics="results/runs/{dataset}/{variant}/seed{seed}/metrics.json",
        predictions="results/runs/{dataset}/{variant}/seed{seed}/predictions.h5",
    log:
        "results/logs/combine_runs/{dataset}/{variant}/seed{seed}.log",
    wildcard_constraints:
        dataset=trained_on,
        variant=sources.pattern(ensembles),
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "plan": run_of(w)["plan"],
                "identity": {
                    "task": run_of(w)["task"],
                    "model": run_of(w)["model"],
                    "generator": run_of(w)["generator_name"],
                    "backbone": run_of(w)["backbone_name"],
                },
            }
        ),
        code=lambda w: code("combine_runs.py"),
    message:
        "Combining runs into {wildcards.variant} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/combine_runs.py"


ruleorder: combine_runs > evaluate_model
