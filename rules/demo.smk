# Drawn archives in the real on-disk formats, read by the real readers.
#   output: results/demo/objects.tar.gz, results/demo/{birds,other_species}/{images,lists}.tgz


rule draw_objects:
    output:
        archive="results/demo/objects.tar.gz",
    log:
        "results/logs/draw_objects.log",
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("draw"),
        runtime=minutes_of("draw"),
    params:
        spec=lambda w: canonical(config["demo"]["objects"]),
        code=lambda w: code("make_demo_data.py"),
    message:
        "Drawing the objects of the demo"
    script:
        "../scripts/make_demo_data.py"


rule draw_birds:
    output:
        images="results/demo/{birds}/images.tgz",
        lists="results/demo/{birds}/lists.tgz",
    log:
        "results/logs/draw_{birds}.log",
    wildcard_constraints:
        birds="birds|other_species",
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("draw"),
        runtime=minutes_of("draw"),
    params:
        spec=lambda w: canonical(config["demo"][w.birds]),
        code=lambda w: code("make_demo_data.py"),
    message:
        "Drawing the {wildcards.birds} of the demo"
    script:
        "../scripts/make_demo_data.py"
