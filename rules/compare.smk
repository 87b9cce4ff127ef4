# Tables and pictures of each study, from what the runs left; those of the selected one once more.
#   output: results/studies/{study}/replicates/{n}.json: whether n seeds are enough, if it is asked
#           results/studies/{study}/plots/{curves,comparison,sweep,samples,confusion,reliability}_*
#           results/studies/{study}/{summary.csv,summary.md,comparisons.csv,report.html}
#           results/{summary.csv,summary.md,comparisons.csv,report.html}: copies of the selected study's, and a link
#           results/plots to its pictures


checkpoint decide_replicates:
    input:
        metrics=lambda w: decided_upon(w).files("metrics.json"),
        predictions=lambda w: decided_upon(w).files("predictions.h5"),
    output:
        decision="results/studies/{study}/replicates/{n}.json",
    log:
        "results/logs/decide_replicates/{study}/{n}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "until": decided_upon(w).block["replicates"]["until"],
                "rows": decided_upon(w).spec()["rows"],
                "comparisons": decided_upon(w).comparisons(),
            }
        ),
        code=lambda w: code("decide_replicates.py"),
    message:
        "Deciding whether {wildcards.n} seeds are enough for {wildcards.study}"
    script:
        "../scripts/decide_replicates.py"


rule plot_learning_curves:
    input:
        histories=lambda w: study_of(w).files(
            "history.csv", study_of(w).rows_named(w.variant)
        ),
    output:
        png="results/studies/{study}/plots/curves_{variant}.png",
        svg="results/studies/{study}/plots/curves_{variant}.svg",
    log:
        "results/logs/plot_learning_curves/{study}/{variant}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "seeds": study_of(w).seeds,
                "title": f"{w.variant} on {study_of(w).rows_named(w.variant)[0]['dataset']}",
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
            "history.csv", study_of(w).rows_of(w.comparison)
        ),
        metrics=lambda w: study_of(w).files(
            "metrics.json", study_of(w).rows_of(w.comparison)
        ),
        predictions=lambda w: study_of(w).files(
            "predictions.h5", study_of(w).rows_of(w.comparison)
        ),
    output:
        png="results/studies/{study}/plots/comparison_{comparison}.png",
        svg="results/studies/{study}/plots/comparison_{comparison}.svg",
    log:
        "results/logs/plot_comparison/{study}/{comparison}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "seeds": study_of(w).seeds,
                "title": variants.comparisons(config)[w.comparison]["title"],
                "variants": variants.comparisons(config)[w.comparison]["variants"],
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
        metrics=lambda w: study_of(w).files(
            "metrics.json", study_of(w).rows_named(w.variant)
        ),
    output:
        png="results/studies/{study}/plots/sweep_{variant}.png",
        svg="results/studies/{study}/plots/sweep_{variant}.svg",
    log:
        "results/logs/plot_sweep/{study}/{variant}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": w.variant,
                "points": [row["values"] for row in study_of(w).rows_named(w.variant)],
                "seeds": study_of(w).seeds,
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
        png="results/studies/{study}/plots/samples_{dataset}.png",
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


rule plot_predictions:
    input:
        predictions=lambda w: study_of(w).files(
            "predictions.h5", study_of(w).rows_named(w.variant)
        ),
        # of a sweep, by which the chosen value is known
        metrics=lambda w: (
            study_of(w).files("metrics.json", study_of(w).rows_named(w.variant))
            if w.variant in study_of(w).sweeps()
            else []
        ),
    output:
        confusion="results/studies/{study}/plots/confusion_{variant}.png",
        confusion_svg="results/studies/{study}/plots/confusion_{variant}.svg",
        reliability="results/studies/{study}/plots/reliability_{variant}.png",
        reliability_svg="results/studies/{study}/plots/reliability_{variant}.svg",
    log:
        "results/logs/plot_predictions/{study}/{variant}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": w.variant,
                "colour": study_of(w).colour(w.variant),
                "seeds": len(study_of(w).seeds),
            }
        ),
        code=lambda w: code("plot_predictions.py"),
    message:
        "Confusion and reliability of {wildcards.variant} in {wildcards.study}"
    script:
        "../scripts/plot_predictions.py"


rule summarize:
    input:
        metrics=lambda w: study_of(w).files("metrics.json"),
        predictions=lambda w: study_of(w).files("predictions.h5"),
        # No `ancient`: Snakemake looks at no settings of a step after one that runs, so a new picture
        # would keep the table of another study from being made again.
        pictures=lambda w: [
            path for _, path in sum(study_of(w).pictures().values(), [])
        ],
    output:
        csv="results/studies/{study}/summary.csv",
        markdown="results/studies/{study}/summary.md",
        comparisons="results/studies/{study}/comparisons.csv",
    log:
        "results/logs/summarize/{study}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            study_of(w).spec() | {"pictures": study_of(w).pictures()}
        ),
        code=lambda w: code("summarize.py"),
    message:
        "Summary of {wildcards.study}"
    script:
        "../scripts/summarize.py"


rule write_report:
    input:
        metrics=lambda w: study_of(w).files("metrics.json"),
        predictions=lambda w: study_of(w).files("predictions.h5"),
        pictures=lambda w: [
            path for _, path in sum(study_of(w).report_pictures().values(), [])
        ],
        # of each data set the test images that a network took for something else
        data=lambda w: [f"results/data/{name}.h5" for name in study_of(w).datasets()],
    output:
        report="results/studies/{study}/report.html",
    log:
        "results/logs/write_report/{study}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            study_of(w).spec()
            | {
                "pictures": study_of(w).report_pictures(),
                "datasets": study_of(w).datasets(),
            }
        ),
        code=lambda w: code("write_report.py"),
        template=lambda w: folder_digests.digest(report_files),
    message:
        "Report of {wildcards.study}"
    script:
        "../scripts/write_report.py"


rule show_summary:
    input:
        csv=f"{study.folder}/summary.csv",
        markdown=f"{study.folder}/summary.md",
        comparisons=f"{study.folder}/comparisons.csv",
    output:
        csv="results/summary.csv",
        markdown="results/summary.md",
        comparisons="results/comparisons.csv",
    log:
        "results/logs/show_summary.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        code=lambda w: code("show_study.py"),
    message:
        f"Showing {study.name} in results/"
    script:
        "../scripts/show_study.py"


use rule show_summary as show_report with:
    input:
        report=f"{study.folder}/report.html",
    output:
        report="results/report.html",
    log:
        "results/logs/show_report.log",
    message:
        f"Showing the report of {study.name} in results/"
