# Tables and the report of each study, from what the runs left; those of the selected one once more.
#   output: results/studies/{study}/replicates/{n}.json: whether n seeds are enough, if it is asked
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


rule summarize:
    input:
        metrics=lambda w: study_of(w).files("metrics.json"),
        predictions=lambda w: study_of(w).files("predictions.h5"),
        # No `ancient`: Snakemake looks at no settings of a step after one that runs, so a new picture
        # would keep the table of another study from being made again.
        pictures=lambda w: [
            path for _, path in sum(study_of(w).pictures().values(), [])
        ],
        facts=lambda w: [f"results/data/{name}.json" for name in study_of(w).datasets()],
    output:
        csv=shown(
            "results/studies/{study}/summary.csv",
            "1 Summary",
            "summary",
            file="table of all variants",
        ),
        markdown="results/studies/{study}/summary.md",
        comparisons=shown(
            "results/studies/{study}/comparisons.csv",
            "2 Comparisons",
            "comparisons",
            comparison="all",
            file="table of differences",
        ),
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
        facts=lambda w: [f"results/data/{name}.json" for name in study_of(w).datasets()],
    output:
        report=shown(
            "results/studies/{study}/report.html",
            "1 Summary",
            "report",
            file="the whole study on one page",
        ),
    log:
        "results/logs/write_report/{study}.log",
    localrule: True
    conda:
        "../envs/plotting.yaml"
    params:
        spec=lambda w: canonical(
            study_of(w).spec() | {"pictures": study_of(w).report_pictures()}
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
