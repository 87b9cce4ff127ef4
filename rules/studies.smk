# What tables and pictures of a study share: which seeds it has, names and captions. No rule.


def study_of(wildcards):
    """The study whose summary, report or picture is asked for, with as many seeds as it needs.

    Of one with `replicates` that is known when these many are evaluated: Snakemake asks again.
    """
    asked = known_studies[wildcards.study]

    def decided(n):
        made = checkpoints.decide_replicates.get(study=asked.name, n=n)
        return atomic_files.read_json(made.output[0])

    return asked.with_enough_seeds(decided)


def decided_upon(wildcards):
    """The study with the first seeds, by which it is decided whether there are more."""
    return known_studies[wildcards.study].with_seeds(int(wildcards.n))


def rows_named(w):
    """The row of the variant, or those of the sweep, whose picture is asked for."""
    rows = known_studies[w.study].rows_named(w.variant)
    if not rows:
        raise WorkflowError(
            f"study '{w.study}' has no variant and no sweep '{w.variant}'"
        )
    return rows


def label_of(w):
    """What pictures call a variant or sweep."""
    row = rows_named(w)[0]
    return row["sweep_label"] if w.variant == row["sweep"] else row["label"]


def dataset_of(w):
    """The data set of a variant or sweep."""
    return rows_named(w)[0]["dataset"]


def steps_drawn(w):
    """The steps of augmentation whose picture is asked for."""
    found = augmentation_steps.pipelines(known_studies[w.study].rows)
    return found[w.generator, w.dataset]


def shown(path, category, caption, **labels):
    """An output that Snakemake's own report (`snakemake --report`) shows.

    Labels are texts, with wildcards, or functions of the wildcards.
    """

    def resolved(wildcards):
        return {
            key: label(wildcards) if callable(label) else label.format(**wildcards)
            for key, label in labels.items()
        }

    return report(
        path,
        category=category,
        subcategory="{study}",
        labels=resolved,
        caption=f"captions/{caption}.rst",
    )
