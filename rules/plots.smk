# Pictures of each study, from what the runs left.
#   output: results/studies/{study}/plots/{curves,comparison,sweep,samples,augmented,confusion,reliability}_*


rule plot_learning_curves:
    input:
        histories=lambda w: study_of(w).files("history.csv", rows_named(w)),
    output:
        png=shown(
            "results/studies/{study}/plots/curves_{variant}.png",
            "4 Learning curves",
            "curves",
            variant=label_of,
            data=dataset_of,
        ),
        svg="results/studies/{study}/plots/curves_{variant}.svg",
    log:
        "results/logs/plot_learning_curves/{study}/{variant}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "runs": study_of(w).runs_of(rows_named(w)[0]),
                "title": f"{label_of(w)} on {dataset_of(w)}",
                "colour": study_of(w).colour(w.variant),
            }
        ),
        code=lambda w: code("plot_learning_curves.py"),
    message:
        "Learning curves of {wildcards.variant} in {wildcards.study}"
    script:
        "../scripts/plot_learning_curves.py"


rule plot_comparison:
    input:
        histories=lambda w: study_of(w).files(
            "history.csv",
            [x for x in study_of(w).rows_of(w.comparison) if not x["combines"]],
        ),
        metrics=lambda w: study_of(w).files(
            "metrics.json", study_of(w).rows_of(w.comparison)
        ),
        predictions=lambda w: study_of(w).files(
            "predictions.h5", study_of(w).rows_of(w.comparison)
        ),
    output:
        png=shown(
            "results/studies/{study}/plots/comparison_{comparison}.png",
            "2 Comparisons",
            "comparison",
            comparison=lambda w: variants.comparisons(config)[w.comparison]["title"],
            file="picture",
        ),
        svg="results/studies/{study}/plots/comparison_{comparison}.svg",
    log:
        "results/logs/plot_comparison/{study}/{comparison}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "runs": {
                    row["variant"]: study_of(w).runs_of(row)
                    for row in study_of(w).rows_of(w.comparison)
                },
                "comparison": variants.comparisons(config)[w.comparison],
                "rows": studies.described(study_of(w).rows_of(w.comparison)),
                "colours": {
                    row["variant"]: study_of(w).colour(row["variant"])
                    for row in study_of(w).rows_of(w.comparison)
                },
            }
        ),
        code=lambda w: code("plot_comparison.py"),
    message:
        "Comparison {wildcards.comparison} in {wildcards.study}"
    script:
        "../scripts/plot_comparison.py"


rule plot_sweep:
    input:
        metrics=lambda w: study_of(w).files("metrics.json", rows_named(w)),
    output:
        png=shown(
            "results/studies/{study}/plots/sweep_{variant}.png",
            "3 Sweeps",
            "sweep",
            sweep=label_of,
            data=dataset_of,
        ),
        svg="results/studies/{study}/plots/sweep_{variant}.svg",
    log:
        "results/logs/plot_sweep/{study}/{variant}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": label_of(w),
                "points": [row["values"] for row in rows_named(w)],
                "seeds": study_of(w).seeds_of(rows_named(w)[0]),
                "colour": study_of(w).colour(w.variant),
            }
        ),
        code=lambda w: code("plot_sweep.py"),
    message:
        "Sweep {wildcards.variant} in {wildcards.study}"
    script:
        "../scripts/plot_sweep.py"


rule plot_samples:
    input:
        data="results/data/{dataset}.h5",
    output:
        png=shown(
            "results/studies/{study}/plots/samples_{dataset}.png",
            "7 Sample images",
            "samples",
            data="{dataset}",
        ),
        svg="results/studies/{study}/plots/samples_{dataset}.svg",
    log:
        "results/logs/plot_samples/{study}/{dataset}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {"title": config["datasets"][w.dataset]["description"] or w.dataset}
        ),
        code=lambda w: code("plot_samples.py"),
    message:
        "Sample images of {wildcards.dataset} in {wildcards.study}"
    script:
        "../scripts/plot_samples.py"


rule plot_augmentation:
    input:
        data="results/data/{dataset}.h5",
    output:
        png=shown(
            "results/studies/{study}/plots/augmented_{generator}-on-{dataset}.png",
            "7 Sample images",
            "augmented",
            data="{dataset}",
            generator="{generator}",
        ),
        svg="results/studies/{study}/plots/augmented_{generator}-on-{dataset}.svg",
    log:
        "results/logs/plot_augmentation/{study}/{generator}-on-{dataset}.log",
    localrule: True
    conda:
        "../envs/tensorflow.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": f"{w.generator} on {w.dataset}",
                "steps": steps_drawn(w),
                "told": augmentation_steps.listed(steps_drawn(w)),
            }
        ),
        code=lambda w: code(
            "plot_augmentation.py", *steps_of({"augmentation": steps_drawn(w)})
        ),
    message:
        "Augmented images of {wildcards.generator} on {wildcards.dataset} in {wildcards.study}"
    script:
        "../scripts/plot_augmentation.py"


rule plot_predictions:
    input:
        predictions=lambda w: study_of(w).files("predictions.h5", rows_named(w)),
        # the calibration error and its floor; of a sweep also by which the chosen value is known
        metrics=lambda w: study_of(w).files("metrics.json", rows_named(w)),
    output:
        confusion=shown(
            "results/studies/{study}/plots/confusion_{variant}.png",
            "5 Confusion matrices",
            "confusion",
            variant=label_of,
            data=dataset_of,
        ),
        confusion_svg="results/studies/{study}/plots/confusion_{variant}.svg",
        reliability=shown(
            "results/studies/{study}/plots/reliability_{variant}.png",
            "6 Calibration",
            "reliability",
            variant=label_of,
            data=dataset_of,
        ),
        reliability_svg="results/studies/{study}/plots/reliability_{variant}.svg",
    log:
        "results/logs/plot_predictions/{study}/{variant}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": label_of(w),
                "colour": study_of(w).colour(w.variant),
                "seeds": len(study_of(w).seeds_of(rows_named(w)[0])),
                "runs": len(study_of(w).runs_of(rows_named(w)[0])),
            }
        ),
        code=lambda w: code("plot_predictions.py"),
    message:
        "Confusion and reliability of {wildcards.variant} in {wildcards.study}"
    script:
        "../scripts/plot_predictions.py"
