# Tables and pictures of the selected study, from what the runs left.
#   output: results/plots/{curves,comparison,samples,confusion,reliability}_*.{png,svg}
#           results/summary.csv, results/summary.md, results/report.html


rule plot_learning_curves:
    input:
        histories=lambda w: run_files("history.csv", [row_of(w.variant)]),
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
                "title": f"{w.variant} on {row_of(w.variant)['dataset']}",
                "colour": colour(w.variant),
            }
        ),
        code=lambda w: code("plot_learning_curves.py"),
    message:
        "Learning curves of {wildcards.variant}"
    script:
        "../scripts/plot_learning_curves.py"


rule plot_comparison:
    input:
        histories=lambda w: run_files("history.csv", rows_of(w.comparison)),
        metrics=lambda w: run_files("metrics.json", rows_of(w.comparison)),
        predictions=lambda w: run_files("predictions.h5", rows_of(w.comparison)),
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
                "title": config["comparisons"][w.comparison]["title"],
                "rows": described(rows_of(w.comparison)),
                "colours": {
                    row["variant"]: colour(row["variant"])
                    for row in rows_of(w.comparison)
                },
            }
        ),
        code=lambda w: code("plot_comparison.py"),
    message:
        "Comparison {wildcards.comparison}"
    script:
        "../scripts/plot_comparison.py"


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
        predictions=lambda w: run_files("predictions.h5", [row_of(w.variant)]),
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
        spec=lambda w: canonical({"title": w.variant, "colour": colour(w.variant)}),
        code=lambda w: code("plot_predictions.py"),
    message:
        "Confusion and reliability of {wildcards.variant}"
    script:
        "../scripts/plot_predictions.py"


rule summarize:
    input:
        metrics=lambda w: run_files("metrics.json"),
        predictions=lambda w: run_files("predictions.h5"),
        # No `ancient`: Snakemake looks at no settings of a step after one that runs, so a new picture
        # would keep the table of another study from being made again.
        pictures=[path for _, path in sum(pictures().values(), [])],
    output:
        csv="results/summary.csv",
        markdown="results/summary.md",
    log:
        "results/logs/summarize.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(study_spec() | {"pictures": pictures()}),
        code=lambda w: code("summarize.py"),
    message:
        "Summary of the study"
    script:
        "../scripts/summarize.py"


rule write_report:
    input:
        metrics=lambda w: run_files("metrics.json"),
        predictions=lambda w: run_files("predictions.h5"),
        pictures=lambda w: [path for _, path in sum(report_pictures().values(), [])],
    output:
        report="results/report.html",
    log:
        "results/logs/write_report.log",
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(study_spec() | {"pictures": report_pictures()}),
        code=lambda w: code("write_report.py"),
        template=lambda w: digests.of_file(report_template),
    message:
        "Report of the study"
    script:
        "../scripts/write_report.py"
