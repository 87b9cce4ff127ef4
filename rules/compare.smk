# Tables and pictures of the selected study, from what the runs left.
#   output: results/plots/{curves,comparison,sweep,samples,confusion,reliability}_*.{png,svg}
#           results/summary.csv, results/summary.md, results/report.html


rule plot_learning_curves:
    input:
        histories=lambda w: study.files("history.csv", study.rows_named(w.variant)),
    output:
        png="results/plots/curves_{variant}.png",
        svg="results/plots/curves_{variant}.svg",
    log:
        "results/logs/plot_learning_curves/{variant}.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "seeds": study.block["seeds"],
                "title": f"{w.variant} on {study.rows_named(w.variant)[0]['dataset']}",
                "colour": study.colour(w.variant),
            }
        ),
        code=lambda w: code("plot_learning_curves.py"),
    message:
        "Learning curves of {wildcards.variant}"
    script:
        "../scripts/plot_learning_curves.py"


rule plot_comparison:
    input:
        histories=lambda w: study.files("history.csv", study.rows_of(w.comparison)),
        metrics=lambda w: study.files("metrics.json", study.rows_of(w.comparison)),
        predictions=lambda w: study.files("predictions.h5", study.rows_of(w.comparison)),
    output:
        png="results/plots/comparison_{comparison}.png",
        svg="results/plots/comparison_{comparison}.svg",
    log:
        "results/logs/plot_comparison/{comparison}.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "seeds": study.block["seeds"],
                "title": variants.comparisons(config)[w.comparison]["title"],
                "variants": variants.comparisons(config)[w.comparison]["variants"],
                "rows": studies.described(study.rows_of(w.comparison)),
                "colours": {
                    row["variant"]: study.colour(row["variant"])
                    for row in study.rows_of(w.comparison)
                },
            }
        ),
        code=lambda w: code("plot_comparison.py"),
    message:
        "Comparison {wildcards.comparison}"
    script:
        "../scripts/plot_comparison.py"


rule plot_sweep:
    input:
        metrics=lambda w: study.files("metrics.json", study.rows_named(w.variant)),
    output:
        png="results/plots/sweep_{variant}.png",
        svg="results/plots/sweep_{variant}.svg",
    log:
        "results/logs/plot_sweep/{variant}.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": w.variant,
                "points": [row["values"] for row in study.rows_named(w.variant)],
                "seeds": study.block["seeds"],
                "colour": study.colour(w.variant),
            }
        ),
        code=lambda w: code("plot_sweep.py"),
    message:
        "Sweep {wildcards.variant}"
    script:
        "../scripts/plot_sweep.py"


rule plot_samples:
    input:
        data="results/data/{dataset}.h5",
    output:
        png="results/plots/samples_{dataset}.png",
        svg="results/plots/samples_{dataset}.svg",
    log:
        "results/logs/plot_samples/{dataset}.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {"title": config["datasets"][w.dataset]["description"] or w.dataset}
        ),
        code=lambda w: code("plot_samples.py"),
    message:
        "Sample images of {wildcards.dataset}"
    script:
        "../scripts/plot_samples.py"


rule plot_predictions:
    input:
        predictions=lambda w: study.files("predictions.h5", study.rows_named(w.variant)),
        # of a sweep, by which the chosen value is known
        metrics=lambda w: (
            study.files("metrics.json", study.rows_named(w.variant))
            if w.variant in study.sweeps()
            else []
        ),
    output:
        confusion="results/plots/confusion_{variant}.png",
        confusion_svg="results/plots/confusion_{variant}.svg",
        reliability="results/plots/reliability_{variant}.png",
        reliability_svg="results/plots/reliability_{variant}.svg",
    log:
        "results/logs/plot_predictions/{variant}.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            {
                "title": w.variant,
                "colour": study.colour(w.variant),
                "seeds": len(study.block["seeds"]),
            }
        ),
        code=lambda w: code("plot_predictions.py"),
    message:
        "Confusion and reliability of {wildcards.variant}"
    script:
        "../scripts/plot_predictions.py"


rule summarize:
    input:
        metrics=lambda w: study.files("metrics.json"),
        predictions=lambda w: study.files("predictions.h5"),
        # No `ancient`: Snakemake looks at no settings of a step after one that runs, so a new picture
        # would keep the table of another study from being made again.
        pictures=[path for _, path in sum(study.pictures().values(), [])],
    output:
        csv="results/summary.csv",
        markdown="results/summary.md",
    log:
        "results/logs/summarize.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(study.spec() | {"pictures": study.pictures()}),
        code=lambda w: code("summarize.py"),
    message:
        "Summary of the study"
    script:
        "../scripts/summarize.py"


rule write_report:
    input:
        metrics=lambda w: study.files("metrics.json"),
        predictions=lambda w: study.files("predictions.h5"),
        pictures=lambda w: [
            path for _, path in sum(study.report_pictures().values(), [])
        ],
    output:
        report="results/report.html",
    log:
        "results/logs/write_report.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(study.spec() | {"pictures": study.report_pictures()}),
        code=lambda w: code("write_report.py"),
        template=lambda w: digests.of_file(report_template),
    message:
        "Report of the study"
    script:
        "../scripts/write_report.py"
