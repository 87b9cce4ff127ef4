"""The digest of a small package's code, and a folder for jobs."""

from pathlib import Path

import pytest
from small_package import FILES

from convstudy.foundation import plugin_files
from convstudy.provenance import code_digests


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Write the files with some changes and take the digest, as a new process would."""
    monkeypatch.setattr(plugin_files, "SCRIPTS", tmp_path)

    def take(changes=None, script="job.py", plugins=()):
        for name, text in (FILES | (changes or {})).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                (tmp_path / name).unlink(missing_ok=True)
            else:
                (tmp_path / name).write_text(text)
        monkeypatch.setattr(code_digests, "_looked", -1)
        return code_digests.of(script, *plugins).digest

    yield take
    monkeypatch.undo()
    monkeypatch.setattr(code_digests, "_looked", -1)
    code_digests.of("train_model.py")


@pytest.fixture
def folder_of_jobs(tmp_path, monkeypatch) -> Path:
    """The current folder, with what `jobs.job_of` reads."""
    monkeypatch.chdir(tmp_path)
    Path("results/plots").mkdir(parents=True)
    Path("in.txt").write_text("one")
    return tmp_path
