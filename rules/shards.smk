# Large data sets, in shards: their stored images are dealt to jobs that decode, and their batches to
# jobs that compute features, beside each other; what comes together has the bytes of the whole.
#   input:  the files that config.yaml names
#   output: results/shards/{dataset}/images.json: what is known of the images before they are decoded
#           results/shards/{dataset}/{item}.{zip,h5}: stored and decoded images, item as 3-of-8
#           results/shards/{dataset}/{item}.images.h5: whole batches of the prepared images
#           results/shards/{dataset}/{backbone}/{item}.{h5,json}: their features


# A rule's number of outputs is fixed, so each number of shards has its own.
for shards in sorted({count for count in shard_counts.values() if count > 1}):

    rule:
        name:
            f"deal_images_to_{shards}"
        input:
            data_files,
        output:
            listing="results/shards/{dataset}/images.json",
            packs=[f"results/shards/{{dataset}}/{item}.zip" for item in items(shards)],
        log:
            "results/logs/deal_images/{dataset}.log",
        wildcard_constraints:
            dataset=sources.pattern(in_shards(shards)),
        conda:
            "../envs/plotting.yaml"
        resources:
            mem_mb=memory_of("deal_images"),
            runtime=minutes_of("deal_images"),
        params:
            spec=lambda w: canonical(what_is_dealt(w)),
            expected=lambda w: expected(data_paths(w)),
            contents=lambda w: contents(data_paths(w)),
            code=lambda w: code(
                "deal_images.py",
                f"readers/{config['datasets'][w.dataset]['reader']}",
            ),
        message:
            "Dealing the stored images of {wildcards.dataset}"
        script:
            "../scripts/deal_images.py"

    rule:
        name:
            f"deal_batches_to_{shards}"
        input:
            data="results/data/{dataset}.h5",
        output:
            [f"results/shards/{{dataset}}/{item}.images.h5" for item in items(shards)],
        log:
            "results/logs/deal_batches/{dataset}.log",
        wildcard_constraints:
            dataset=sources.pattern(in_shards(shards)),
        conda:
            "../envs/plotting.yaml"
        resources:
            mem_mb=memory_of("deal_batches"),
            runtime=minutes_of("deal_batches"),
        params:
            code=lambda w: code("deal_batches.py"),
        message:
            "Dealing the images of {wildcards.dataset} in batches"
        script:
            "../scripts/deal_batches.py"


rule decode_shard:
    input:
        pack="results/shards/{dataset}/{item}.zip",
    output:
        shard="results/shards/{dataset}/{item}.h5",
    log:
        "results/logs/decode_shard/{dataset}/{item}.log",
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("decode_shard"),
        runtime=minutes_of("decode_shard"),
    params:
        code=lambda w: code("decode_shard.py"),
    message:
        "Reading shard {wildcards.item} of {wildcards.dataset}"
    script:
        "../scripts/decode_shard.py"


rule gather_images:
    input:
        listing="results/shards/{dataset}/images.json",
        shards=lambda w: shard_files(w, "{item}.h5"),
    output:
        data="results/data/{dataset}.h5",
        facts="results/data/{dataset}.json",
        table="results/data/{dataset}.csv",
        pairs="results/data/{dataset}.duplicates.csv",
    log:
        "results/logs/gather_images/{dataset}.log",
    wildcard_constraints:
        dataset=sources.pattern(in_shards()),
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("gather_images"),
        runtime=minutes_of("gather_images"),
    params:
        spec=lambda w: canonical(what_is_read(w)),
        code=lambda w: code("gather_images.py"),
    message:
        "Splitting {wildcards.dataset}"
    script:
        "../scripts/gather_images.py"


use rule extract_features as extract_shard with:
    input:
        data="results/shards/{dataset}/{item}.images.h5",
        backbone="results/backbones/{dataset}/{backbone}.keras",
    output:
        features="results/shards/{dataset}/{backbone}/{item}.h5",
        costs="results/shards/{dataset}/{backbone}/{item}.json",
    log:
        "results/logs/extract_shard/{dataset}/{backbone}/{item}.log",
    wildcard_constraints:
        dataset=sources.pattern(in_shards()),
    message:
        "Features of shard {wildcards.item} of {wildcards.dataset} from {wildcards.backbone}"


rule gather_features:
    input:
        data="results/data/{dataset}.h5",
        features=lambda w: shard_files(w, "{backbone}/{item}.h5"),
        costs=lambda w: shard_files(w, "{backbone}/{item}.json"),
    output:
        features="results/features/{dataset}/{backbone}.h5",
        costs="results/features/{dataset}/{backbone}.json",
    log:
        "results/logs/gather_features/{dataset}/{backbone}.log",
    wildcard_constraints:
        dataset=sources.pattern(in_shards()),
    conda:
        "../envs/plotting.yaml"
    resources:
        mem_mb=memory_of("gather_features"),
        runtime=minutes_of("gather_features"),
    params:
        code=lambda w: code("gather_features.py"),
    message:
        "Gathering the features of {wildcards.dataset} from {wildcards.backbone}"
    script:
        "../scripts/gather_features.py"
