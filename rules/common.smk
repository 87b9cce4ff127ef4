# What all rules share: the checked config, the runs it asks for, digests of code. No rule.
import os
from pathlib import Path

from convstudy.downloads import sources
from convstudy.foundation import (
    atomic_files,
    digests,
    environment,
    folder_digests,
    plugin_files,
)
from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests, records
from convstudy.study import (
    augmentation_steps,
    combination_plan,
    config_files,
    folds,
    plugin_options,
    project,
    stages,
    studies,
    validation,
    variants,
)

# What all studies share is read first; a project's own config.yaml, and --configfile, add to it or
# override it.
config_paths = [str(Path(workflow.basedir, "config.yaml"))]
if os.path.exists("config.yaml") and not os.path.samefile("config.yaml", *config_paths):
    config_paths.append("config.yaml")
given_paths = list(workflow.configfiles)
try:
    environment.check()
    config_files.check([*config_paths, *given_paths])
except UserError as error:
    raise WorkflowError(str(error)) from None


configfile: config_paths[0]


if len(config_paths) > 1:

    configfile: config_paths[1]


try:
    project.check_selected(workflow.config_settings.overwrite_config, given_paths)
    # a later file overrides an earlier one
    by_weight = [*reversed(given_paths), *reversed(config_paths)]
    config["plugins"] = project.plugins_folder(config, by_weight)
    plugin_files.use(config["plugins"])
    validation.validate(
        config, Path(workflow.basedir, "rules/schemas/config.schema.yaml")
    )
    known_studies = studies.resolve(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

study = known_studies[config["study"]]
canonical = digests.canonical
ensembles = sorted(
    {name for (_, name), run in study.runs.items() if combination_plan.groups(run)}
)
trained_on = "|".join(folds.trained_on(config["datasets"]))
report_files = Path(workflow.basedir, "scripts/convstudy/report/page_files")


def code(script, *plugins):
    """What a step's code is, for its record, and the digest by which an edit is seen."""
    return records.code_param(code_digests.of(script, *plugins))


wildcard_constraints:
    study="|".join(config["studies"]),
    dataset="|".join(config["datasets"]),
    # not all names of thousands: Snakemake writes them into each path that it looks at
    variant="[^/]+",
    model="|".join(config["models"]),
    generator="|".join(config["generators"]),
    backbone="|".join(config["backbones"]),
    comparison="|".join(variants.comparisons(config)),
    seed=r"\d+",
    n=r"\d+",
    stage=r"[1-9]\d*",
    item=r"\d+-of-\d+",


def is_given(path):
    """Tell whether a file or folder is the user's, and no checksum says what is in it.

    Keras publishes that of the ImageNet weights, which are held against it when they are read.
    """
    known = path in config["sources"] or path in published_weights()
    return not (known or path.startswith("results/"))


def by_content(path):
    """An input; what the user gave is compared by its `contents`, whatever its time stamp."""
    if is_given(path):
        return ancient(in_place(path))
    return path if path.startswith("results/") else here(path)


def contents(paths):
    """Digests of the files and folders that the user gave, as far as they are there."""
    found = {path: digest_of(path) for path in set(paths) if is_given(path)}
    return canonical({path: digest for path, digest in found.items() if digest})


def run_of(wildcards):
    """The block of a run; of a fold's that of its data set."""
    try:
        return study.run(wildcards.dataset, wildcards.variant)
    except KeyError:
        raise WorkflowError(
            f"no study trains '{wildcards.variant}' on '{wildcards.dataset}'"
        ) from None


def run_inputs(w):
    """What a run's network takes."""
    return taken_by(run_of(w), w.dataset)


def taken_by(run, dataset):
    """Images or features, and the statistics of a generator that has any."""
    if run["input"] == "features":
        return {"data": f"results/features/{dataset}/{run['backbone_name']}.h5"}
    inputs = {"data": f"results/data/{dataset}.h5"}
    if run["statistics_from"]:
        name = run["generator_name"]
        if run["statistics_from"] == "train_and_validation":
            name += "-with_validation"
        inputs["statistics"] = f"results/preprocessing/{dataset}/{name}.h5"
    return inputs


def network_folder(w):
    """The folder of the run whose network is evaluated: another's, for views of its images."""
    name = (run_of(w)["plan"] or {}).get("network", w.variant)
    return f"results/runs/{w.dataset}/{name}/seed{w.seed}"


def stage_number(w):
    """Which of a run's trainings is meant: the stage in the path, or the last one."""
    stages_before = len(run_of(w)["before"])
    number = int(w.get("stage", stages_before + 1))
    if number > stages_before + 1:
        raise WorkflowError(f"'{w.variant}' has no stage {number}")
    return number


def training_of(w):
    """A run as one of its trainings sees it, see `stages.one`."""
    return stages.one(run_of(w), stage_number(w))


def training_inputs(w):
    """What a training reads, and the network that it goes on from."""
    inputs, number = taken_by(training_of(w), w.dataset), stage_number(w)
    if number == 1:
        return inputs | {"initial_weights": initial_weights(w)}
    before = f"results/runs/{w.dataset}/{w.variant}/seed{w.seed}/stage{number - 1}"
    inputs |= {"run": f"{before}.json", "history": f"{before}.csv"}
    return inputs | {"initial_weights": f"{before}.keras"}


def training_spec(w):
    """What a training depends on beside its inputs."""
    run = training_of(w)
    spec = {key: run[key] for key in ("kind", "input", "generator", "training")}
    return canonical(spec | run["switches"] | run["solver"])


def extraction_costs(wildcards):
    """Of a head on features: what these cost."""
    run = run_of(wildcards)
    if run["input"] != "features":
        return {}
    return {"costs": f"results/features/{run['dataset']}/{run['backbone_name']}.json"}


def initial_weights(w):
    """The random start of a run, shared by all variants of its model, and by all folds."""
    run = run_of(w)
    start = run["model"] + (f"-on-{run['backbone_name']}" if run["backbone"] else "")
    return f"results/initial_weights/{run['dataset']}/{start}/seed{w.seed}.keras"


def start_inputs(wildcards):
    """What a network with initial weights is built for, and from."""
    model, backbone = config["models"][wildcards.model], wildcards.get("backbone")
    takes = plugin_options.constant("models", model, "INPUT")
    if takes == "features":
        return {"data": f"results/features/{wildcards.dataset}/{backbone}.h5"}
    inputs = {"data": f"results/data/{wildcards.dataset}.h5"}
    # a random backbone is drawn anew for each seed, so there is no file of it
    if takes == "backbone" and config["backbones"][backbone]["weights"] != "random":
        inputs["backbone"] = f"results/backbones/{wildcards.dataset}/{backbone}.keras"
    return inputs


def start_spec(wildcards):
    """What a network with initial weights depends on."""
    model, backbone = config["models"][wildcards.model], wildcards.get("backbone")
    takes = plugin_options.constant("models", model, "INPUT")
    return canonical(
        {
            "kind": model["kind"],
            "options": plugin_options.options(model),
            "input": takes,
            # a head knows its backbone by the features alone
            "backbone": network_of(backbone) if takes == "backbone" else None,
        }
    )


def expected(paths):
    """What files of the config's `sources` must be, checked by the jobs that read them."""
    return canonical(sources.expected(config["sources"], list(paths)))


def run_code(script, run, *plugins):
    """The code of a script with the one model and the one generator that the run uses, and more."""
    generator = run["generator"]
    own = [f"generators/{generator['kind']}"] if generator else []
    return code(script, f"models/{run['kind']}", *own, *plugins)


def steps_of(generator):
    """The files of the steps of augmentation that a run's generator has."""
    return [f"augmentation/{kind}" for kind in augmentation_steps.kinds(generator)]


def fitted(generator):
    """What the statistics of a generator depend on: its kind and options, and no augmentation."""
    block = config["generators"][generator]
    return {"kind": block["kind"]} | augmentation_steps.options(block)
