"""Finished runs: their files and what they were made from, checked against the records."""

import json
import os
from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files, digests, plugin_files
from convstudy.foundation.errors import UserError
from convstudy.provenance import records

FOLDER = "results/runs/<dataset>/<variant>/seed<N>"


class FinishedRun:
    """The files of a finished run, each compared with the records of the steps that made them.

    `name` is the run's folder within its project, `spec` says what its training was given.

    Raises:
        UserError: the folder is no run, the run is not finished, or (from `output` and `input`) a
            file was changed since.
    """

    def __init__(self, folder: Path):
        parts = Path(os.path.abspath(folder)).parts
        if parts[-5:-3] != ("results", "runs") or not folder.is_dir():
            raise UserError(
                f"{folder}: is no folder of a run. Expected {FOLDER}, inside the folder of the "
                f"study{_some_runs()}"
            )
        self._project, self.name = Path(*parts[:-5]), "/".join(parts[-5:])
        self._check_network()
        model = f"{self.name}/model.keras"
        self._training = self._record(model)
        self._evaluation = self._record(f"{self.name}/metrics.json")
        if records.inputs_of(self._evaluation)[model] != self._training["outputs"][model]:
            raise UserError(f"{folder}: the network is newer than its evaluation: {self._remedy()}")
        self.spec = json.loads(self._training["params"]["spec"])
        if self._training.get("plugins"):  # the network may have layers of the user's own
            plugin_files.use(self._project / self._training["plugins"])

    def _check_network(self) -> None:
        """Refuse a mean of predictions, which has no network of its own."""
        path = self._project / records.path_of(f"{self.name}/metrics.json")
        made = atomic_files.read_json(path) if path.is_file() else {}
        means = made.get("rule") == "combine_runs"
        if means or "network" in json.loads(made.get("params", {}).get("spec", "{}")):
            raise UserError(
                f"{self.name}: combines the predictions of finished runs and has no network of its "
                f"own. Name the runs that it is made of."
            )

    @property
    def key(self) -> str:
        """The digest of all that decides the run's figures; a run with another key is another."""
        return records.key(self._evaluation)

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was made with, as its records have it.

        `model` and `generator` (None on features) hold kind and options, `backbone` its block of
        the config (None without one), `training` the settings; beside them what else the training
        was told, as `input`.
        """
        found = {key: value for key, value in self.spec.items() if key != "kind"}
        (start,) = self._made("initial_weights")
        backbones = [json.loads(x["params"]["spec"]) for x in self._made("backbones")]
        start = json.loads(start["params"]["spec"])
        return found | {
            "model": {"kind": start["kind"], "options": start["options"]},
            "backbone": start["backbone"] or next(iter(backbones), None),
        }

    def _made(self, folder: str) -> list[dict[str, Any]]:
        """Records of what the network is made from out of `results/{folder}`."""
        paths = [path for path in self._sources() if path.startswith(f"results/{folder}/")]
        return [self._recorded(path) for path in paths]

    def _record(self, output: str) -> dict[str, Any]:
        """The record of the step that made a file, which is there."""
        if not (self._project / output).is_file():
            raise UserError(
                f"{self.name}: the run is not finished, there is no {output}: "
                f"{self._remedy(output)}"
            )
        return self._recorded(output)

    def _recorded(self, output: str) -> dict[str, Any]:
        """The record of the step that made a file, which may be gone."""
        path = self._project / records.path_of(output)
        if not path.is_file():
            raise UserError(
                f"{output}: there is no record of its making ({path}). Records travel with the "
                f"results: copy the whole folder results/; or delete the file and "
                f"{self._remedy(output)}"
            )
        return atomic_files.read_json(path)

    def output(self, name: str) -> Path:
        """A file of the run."""
        path = f"{self.name}/{name}"
        made = self._evaluation if path in self._evaluation["outputs"] else self._training
        return self._whole(path, made["outputs"][path])

    def input(self, folder: str) -> Path | None:
        """What the network is made from out of `results/{folder}`, if anything."""
        for path, sha256 in self._sources().items():
            if path.startswith(f"results/{folder}/"):
                return self._whole(path, sha256)
        return None

    def _sources(self) -> dict[str, str]:
        """Inputs of the training and, for a head on features, of the features: path to SHA-256."""
        inputs = records.inputs_of(self._training)
        found = [path for path in inputs if path.startswith("results/features/")]
        for path in found:  # grows: the features of a fold come from those of all images
            features = self._record(path)
            if features["outputs"][path] != inputs[path]:
                raise self._changed(path)
            own = records.inputs_of(features)
            found += [path for path in own if path.startswith("results/features/")]
            inputs |= own
        return inputs

    def _whole(self, path: str, sha256: str) -> Path:
        """The path of a file that has the bytes it had when the run was made."""
        found = self._project / path
        if not found.is_file() or digests.of_file(found) != sha256:
            raise self._changed(path)
        return found

    def _changed(self, path: str) -> UserError:
        return UserError(
            f"{path}: is not the file that {self.name} was made with, it was changed or removed "
            f"since: delete it and {self._remedy(path)}"
        )

    def _remedy(self, *targets: str) -> str:
        """What to do; a file that is gone comes back only if it is named."""
        names = " ".join(dict.fromkeys([*targets, f"{self.name}/metrics.json"]))
        return f"run `snakemake -c4 {names}`, with the --config or --configfile of the study"


def _some_runs() -> str:
    """The end of a sentence: runs that are here."""
    found = sorted(str(path.parent) for path in Path().glob("results/runs/*/*/seed*/metrics.json"))
    return f", as {found[0]}" if found else " (there is none here)"
