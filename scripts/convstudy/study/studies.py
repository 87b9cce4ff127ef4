"""The studies of a checked config, resolved into the runs they ask for.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from convstudy.foundation import fold_names
from convstudy.foundation.errors import UserError
from convstudy.study import (
    augmentation_steps,
    backbones,
    combination_plan,
    comparisons,
    folds,
    protocols,
    replicates,
    run_plan,
    stages,
    sweeps,
    training_settings,
    variants,
)
from convstudy.study.schema import Block

FOLDER = "results/studies"
ABOUT = (
    "variant", "label", "dataset", "task", "model", "protocol", "sweep", "sweep_label", "values",
    "reference", "description", "training", "statistics_from", "switches", "folds", "best",
    "combines", "one_network",
)  # fmt: skip


@dataclass(frozen=True)
class Study:
    """A study: its name, rows in order, every run that any study can ask for, and its seeds.

    `stopping` says why there are no more seeds, where `replicates` decided it.
    """

    config: Block
    name: str
    rows: list[Block]
    runs: dict[tuple[str, str], Block]
    seeds: list[int]
    stopping: str = ""

    @property
    def folder(self) -> str:
        """Where its summary, report and pictures lie, whatever other studies there are."""
        return f"{FOLDER}/{self.name}"

    @property
    def block(self) -> Block:
        """Its block in the config."""
        return self.config["studies"][self.name]

    def run(self, dataset: str, variant: str) -> Block:
        """The block of a run, by the names in its files; KeyError where no study trains it."""
        return self.runs[fold_names.parted(dataset)[0], variant]

    def files(self, name: str, rows: list[Block] | None = None) -> list[str]:
        """A file of every run of the study, or of some of its rows, in the order of `runs_of`."""
        return [
            f"results/runs/{dataset}/{row['variant']}/seed{seed}/{name}"
            for row in (self.rows if rows is None else rows)
            for dataset in fold_names.of(row["dataset"], row["folds"])
            for seed in self.seeds_of(row)
        ]

    def seeds_of(self, row: Block) -> list[int]:
        """The seeds of a row's runs; the first where all are one network, or nothing is random."""
        return self.seeds[:1] if row["one_network"] or row["solver"] else self.seeds

    def trained(self, rows: list[Block] | None = None) -> list[Block]:
        """The runs of some rows (all) that are trained, and those that the others are made of."""
        found: dict[str, Block] = {}
        for row in self.rows if rows is None else rows:
            members = [self.runs[row["dataset"], name] for name in row["members"]]
            for run in self.trained(members) if members else [row]:
                found[run["variant"]] = run
        return list(found.values())

    def runs_of(self, row: Block) -> list[int] | list[tuple[int, int]]:
        """The runs of a row: their seeds or, with folds, (fold, seed), fold by fold."""
        seeds = self.seeds_of(row)
        if not row["folds"]:
            return seeds
        return [(fold, seed) for fold in range(row["folds"]) for seed in seeds]

    def with_seeds(self, n: int) -> "Study":
        """The study with so many seeds."""
        return replace(self, seeds=replicates.seeds(self.block, n))

    def with_enough_seeds(self, decided: Callable[[int], Block]) -> "Study":
        """The study with as many seeds as its config asks for; see `replicates.enough`."""
        if not self.block["replicates"]:
            return self
        seeds, stopping = replicates.enough(self.block, decided)
        return replace(self, seeds=seeds, stopping=stopping)

    def rows_named(self, name: str) -> list[Block]:
        """The row of a variant, or those of all points of a sweep."""
        return self._rows_by_name.get(name, [])

    @cached_property
    def _rows_by_name(self) -> dict[str, list[Block]]:
        found: dict[str, list[Block]] = {}
        for row in self.rows:
            for name in dict.fromkeys(filter(None, (row["variant"], row["sweep"]))):
                found.setdefault(name, []).append(row)
        return found

    def rows_of(self, comparison: str) -> list[Block]:
        """Rows of a comparison, in its order."""
        names = variants.comparisons(self.config)[comparison]["variants"]
        return [row for name in names for row in self.rows_named(name)]

    def results(self) -> list[str]:
        """Names of variants without a sweep, and of sweeps: each has one result."""
        return list(dict.fromkeys(row["sweep"] or row["variant"] for row in self.rows))

    def datasets(self) -> list[str]:
        """Names of the data sets, in the order of the rows."""
        return list(dict.fromkeys(row["dataset"] for row in self.rows))

    def sweeps(self) -> list[str]:
        """Names of the sweeps."""
        return list(dict.fromkeys(row["sweep"] for row in self.rows if row["sweep"]))

    def colour(self, name: str) -> int:
        """The number of a variant's or sweep's colour: its place among those of its task."""
        row = self.rows_named(name)[0]
        names = [x["sweep"] or x["variant"] for x in self.rows if x["task"] == row["task"]]
        return list(dict.fromkeys(names)).index(row["sweep"] or name)

    def comparisons(self) -> list[Block]:
        """Its comparisons, once a protocol; the study has all their variants."""
        names = {name for row in self.rows for name in (row["variant"], row["sweep"])}
        return comparisons.of_study(self.config, self.name, names)

    def check_labels(self) -> None:
        """Refuse two variants that tables and pictures could not tell apart."""
        found: dict[str, str] = {}
        for row in self.rows:
            other = found.setdefault(row["label"], row["variant"])
            if other != row["variant"]:
                raise UserError(
                    f"config: variants.{row['of']}.label: '{row['label']}' is also what "
                    f"'{other}' is called in study '{self.name}'. Choose another label."
                )

    def spec(self) -> Block:
        """What the summary and the report say of the study, beside its figures."""
        datasets = self.config["datasets"]
        notes = self.block["remarks"] + [self.stopping] * bool(self.stopping)
        notes += folds.notes(datasets, self.datasets(), len(self.seeds))
        notes += [
            f"{row['label']}: its weights are computed, with nothing random in them, so it has one "
            f"run whatever the number of seeds, and no learning curve."
            for row in self.rows
            if row["solver"]
        ]
        notes += [
            f"{name}: {datasets[name]['description']}" + " (drawn data)" * datasets[name]["drawn"]
            for name in dict.fromkeys(row["dataset"] for row in self.rows)
            if datasets[name]["description"] or datasets[name]["drawn"]
        ]
        return {
            "study": {
                "name": self.name,
                "title": self.block["title"],
                "question": self.block["question"],
                "description": self.block["description"],
                "notes": notes,
                "replicates": self.stopping,
                "hyperparameters": sweeps.described(self.trained()),
                "protocols": protocols.described(self.trained()),
            },
            "rows": described(self.rows),
            "comparisons": self.comparisons(),
        }

    def pictures(self) -> dict[str, list[tuple[str, str]]]:
        """Headings of the summary and, under each, (title, path) of its pictures."""
        datasets = dict.fromkeys(row["dataset"] for row in self.rows)
        drawn = [(c["title"], f"comparison_{c['name']}") for c in self.comparisons()]
        return {
            "Comparison pictures": self._pictures(drawn),
            "Sweeps": self._pictures([(name, f"sweep_{name}") for name in self.sweeps()]),
            "Learning curves": self._pictures(
                [
                    (row["label"], f"curves_{row['variant']}")
                    for row in self.rows
                    if not row["solver"] and not row["members"]
                ]
            ),
            "Sample images": self._pictures([(name, f"samples_{name}") for name in datasets]),
        }

    def report_pictures(self) -> dict[str, list[tuple[str, str]]]:
        """The summary's pictures and those that only the report has."""
        names, pipelines = self.results(), augmentation_steps.pipelines(self.rows)
        return self.pictures() | {
            "Augmented images": self._pictures(
                [(f"{name} on {data}", f"augmented_{name}-on-{data}") for name, data in pipelines]
            ),
            "Confusion matrices": self._pictures([(name, f"confusion_{name}") for name in names]),
            "Calibration": self._pictures([(name, f"reliability_{name}") for name in names]),
        }

    def _pictures(self, drawn: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(title, f"{self.folder}/plots/{stem}.png") for title, stem in drawn]


def described(rows: list[Block]) -> list[Block]:
    """What tables and pictures say of each row: `ABOUT`, and what it was trained with.

    `budget` holds the most epochs and the patience; `model_options` and `generator_options` (None
    on features) the kind and the options; `methods` optimizer, schedule and loss in words,
    and `stages` the stages, of which `training` is the last.
    """
    return [
        {key: row[key] for key in ABOUT}
        | {"generator": row["generator_name"], "backbone": row["backbone_name"]}
        | {"budget": {"epochs": stages.epochs(row), "patience": row["training"].get("patience")}}
        | {"stages": stages.words(row), "solved": bool(row["solver"])}
        | {"model_options": {"kind": row["kind"]} | row["options"]}
        | {"generator_options": augmentation_steps.told(row["generator"])}
        | {"methods": training_settings.words(row["training"])}
        for row in rows
    ]


def resolve(config: Block) -> dict[str, Study]:
    """Resolve a validated config into its studies, by name.

    A run's block holds `dataset, folds` (None without)`, variant, task, model` (name), `kind,
    options, input`, `generator_name, generator` (block or None), `augments`, `statistics_from`
    (None without statistics), `backbone_name, backbone`, `training` (of the last stage), `before`
    (of the stages before it), `switches` (of the protocol,
    where they make the training another), and for the tables `of` (the variant's name in the
    config), `label`, `protocol`, `sweep`, `sweep_label`, `values`, `description`, `reference` (see
    `variants.expand`), `best`; of a combination `combines`, `members`, `one_network` and `plan`
    (see `combination_plan.of`). Blocks of models, generators and backbones that sweeps ask for join
    the config.

    Raises:
        UserError: two studies ask for different runs under the same data set and variant, a
            backbone cannot come from the variant that trains it, a study lacks a variant of a
            comparison, two of its variants have one label, or folds do not go with it.
    """
    known = variants.expand(config)
    own = [name for name, block in config["variants"].items() if block["dataset"]]
    fixed = [point for name in own for point in known[name]["points"]]
    found: dict[tuple[str, str], Block] = {}
    rows: dict[str, list[Block]] = {}
    for study_name, study in config["studies"].items():
        names = [
            n for x in study["variants"] for n in variants.named(config, x, study["protocols"])
        ]
        asked = [point for name in names for point in known[name]["points"]]
        made = _runs(config, study_name, known, [*asked, *fixed])
        for name, run in made.items():
            if found.setdefault((run["dataset"], name), run) != run:
                means = bool(run["members"])
                what = ("trains", "makes the mean")[means]
                other = ("another budget or backbone", "other members or seeds")[means]
                raise UserError(
                    f"config: studies.{study_name}: another study {what} '{name}' on "
                    f"'{run['dataset']}' with {other}, and both would be the same file. Give this "
                    f"study a data set block of its own name."
                )
        rows[study_name] = [made[name] for name in dict.fromkeys(asked)]
        used = combination_plan.with_members(known, asked)
        folds.check_study(config, study_name, [made[name] for name in used])
    for name, block in config["backbones"].items():
        backbones.check(f"backbones.{name}", block)  # those of sweeps are new
    backbones.check_origins(config, found)
    resolved = {
        name: Study(config, name, rows[name], found, replicates.first(block))
        for name, block in config["studies"].items()
    }
    for study in resolved.values():
        study.check_labels()
        study.comparisons()  # refuses those whose variants it does not have
    return resolved


def _runs(config: Block, study_name: str, known: Block, names: list[str]) -> dict[str, Block]:
    """The runs of variants in a study and of all that they are made of, by name."""
    made: dict[str, Block] = {}
    for name in combination_plan.with_members(known, names):
        if known[name]["members"]:
            made[name] = combination_plan.of(config, study_name, known, name, made)
        else:
            made[name] = run_plan.of(config, study_name, name, known[name])
    return made
