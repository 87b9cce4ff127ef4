"""The config's `sources`: what they may say, and what becomes of files and addresses."""

import copy
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from file_server import serve, status, whole
from reader_fixtures import cifar100_members, write_tar

from convstudy.downloads import sources
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.study import validation as settings

ROOT = Path(__file__).parents[2]
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
COPIED = ("Snakefile", "config.yaml", "rules", "scripts", "profiles", "envs")
MINE = b"my own file"
ARCHIVE, DATA = "data/tiny.tar.gz", "results/data/tiny.h5"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_fits_is_accepted(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(MINE)
    sums = {"sha256": sha256(MINE), "md5": hashlib.md5(MINE).hexdigest()}
    sources.check({str(path): {"size": len(MINE)} | sums, str(path): sums})


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ({"size": 12, "sha256": sha256(MINE)}, "11 bytes, expected 12 bytes"),
        ({"size": 12, "sha256": "0" * 64}, f"11 bytes, sha256 {sha256(MINE)}, expected 12 bytes"),
        ({"size": 11, "sha256": sha256(b"other")}, f"sha256 {sha256(MINE)}"),
        ({"md5": "0" * 32}, f"md5 {hashlib.md5(MINE).hexdigest()}"),
    ],
)
def test_a_file_that_differs_is_refused_with_both_and_stays(tmp_path, block, found):
    path = tmp_path / "file"
    path.write_bytes(MINE)
    with pytest.raises(UserError, match=str(path)) as refusal:
        sources.check({str(path): block})
    expected = block.get("sha256") or block["md5"]
    assert found in str(refusal.value) and expected in str(refusal.value)
    assert path.read_bytes() == MINE


def test_a_saved_web_page_is_called_one(tmp_path):
    path = tmp_path / "file"
    path.write_text("\n<html><head><title>Google Drive -\n Quota exceeded</title></head></html>")
    with pytest.raises(UserError, match="a web page 'Google Drive - Quota exceeded'"):
        sources.check({str(path): {"size": 5}})


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        sources.check({str(tmp_path): {"sha256": "0" * 64}})


def test_a_dangling_link_is_not_missing(tmp_path):
    link, nothing = tmp_path / "link", str(tmp_path / "nothing")
    link.symlink_to(tmp_path / "unmounted")
    assert sources.missing([str(link), nothing]) == [nothing]


def test_the_pattern_of_no_names_matches_nothing():
    assert not re.search(sources.pattern([]), "") and not re.search(sources.pattern([]), "a")
    assert re.fullmatch(sources.pattern(["a.b", "c"]), "a.b")
    assert not re.fullmatch(sources.pattern(["a.b", "c"]), "axb")


def test_the_practicals_files_have_sources():
    """Sizes and checksums as they are published."""
    blocks = SHIPPED["sources"]
    for name in ("cifar100_25", "cub200_2010"):
        assert set(SHIPPED["datasets"][name]["files"].values()) <= set(blocks)
    found = {path: block["size"] for path, block in blocks.items()}
    assert found == {
        "data/cifar-100-python.tar.gz": 169_001_437,
        "data/cub200_2010/images.tgz": 679_421_896,
        "data/cub200_2010/lists.tgz": 201_844,
        "data/keras/ResNet50.h5": 94_765_736,
    }
    assert blocks["data/keras/ResNet50.h5"]["md5"] == "4d473c1dd8becc155b73f8504c6f6626"


GOOD = {"addresses": ["https://example.org/a"], "size": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("path", "change", "words"),
    [
        ("data/a", {"sha265": "0"}, ["sources.data/a.sha265", "'sha256'"]),
        ("data/a", {"sha256": None}, ["sha256", "None"]),
        ("data/a", {"sha256": "ABC"}, ["sha256", "'ABC'", "64 digits"]),
        ("data/a", {"size": 0}, ["size", "0"]),
        ("data/a", {"addresses": []}, ["addresses"]),
        ("data/a", {"addresses": ["ftp://example.org/a"]}, ["ftp://", "http or https"]),
        ("data/a", {"addresses": ["file:///etc/passwd"]}, ["file:///", "http or https"]),
        ("results/a", {}, ["results/a", "not below results/"]),
        ("./data/a", {}, ["./data/a"]),
        ("data/../a", {}, ["data/../a"]),
        ("data/", {}, ["data/"]),
    ],
)
def test_a_bad_source_is_refused(path, change, words):
    config = copy.deepcopy(SHIPPED) | {"sources": {path: GOOD | change}}
    with pytest.raises(UserError) as refusal:
        settings.validate(config, ROOT / "rules/schemas/config.schema.yaml")
    assert all(word in str(refusal.value) for word in words), refusal.value


@pytest.mark.parametrize("missing", ["addresses", "size", "sha256"])
def test_a_source_needs_addresses_size_and_a_checksum(missing):
    block = {key: value for key, value in GOOD.items() if key != missing}
    config = copy.deepcopy(SHIPPED) | {"sources": {"data/a": block}}
    with pytest.raises(UserError, match=missing):
        settings.validate(config, ROOT / "rules/schemas/config.schema.yaml")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("archive") / "tiny.tar.gz"
    return write_tar(path, cifar100_members(per_class=10)).read_bytes()


@pytest.fixture
def server(archive):
    with serve(archive) as files:
        yield files


class Project:
    """A copy of the project whose data set `tiny` is on the server."""

    def __init__(self, folder: Path, content: bytes, server) -> None:
        self.folder, self.archive = folder, folder / ARCHIVE
        for name in COPIED:
            copy_it = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy_it(ROOT / name, folder / name)
        self.source = {
            "addresses": [server.address("a")],
            "size": len(content),
            "sha256": sha256(content),
        }

    def run(self, *arguments: str, **change) -> subprocess.CompletedProcess:
        """Run Snakemake; `change` alters the source."""
        dataset = {"reader": "cifar", "files": {"archive": ARCHIVE}, "image_size": [32, 32]}
        blocks = {ARCHIVE: self.source | change, "data/second": self.source}
        own = {"datasets": {"tiny": dataset}, "sources": blocks}
        (self.folder / "own.yaml").write_text(yaml.safe_dump(own))
        command = [sys.executable, "-m", "snakemake", "-c1", *arguments, "--configfile", "own.yaml"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        self.output = done.stdout + done.stderr
        return done.returncode

    def put(self, content: bytes) -> None:
        self.archive.parent.mkdir(exist_ok=True)
        self.archive.write_bytes(content)


@pytest.fixture
def project(tmp_path, archive, server):
    return Project(tmp_path, archive, server)


def test_a_missing_file_is_downloaded_and_then_is_the_users(project, server, archive):
    assert project.run(DATA) == 0, project.output
    assert project.archive.read_bytes() == archive
    facts = atomic_files.read_json((project.folder / DATA).with_suffix(".json"))
    assert facts["made_of"]["sha256_archive"] == sha256(archive)
    log = project.folder / f"results/logs/download/{ARCHIVE}.log"
    assert "complete and checked" in log.read_text()
    assert project.run(DATA) == 0 and "Nothing to be done" in project.output
    moved = {"addresses": [server.address("moved"), *project.source["addresses"]]}
    assert project.run(DATA, **moved) == 0 and "Nothing to be done" in project.output
    # whatever is run again, what is there is read and not fetched
    assert project.run(DATA, "--forceall") == 0, project.output
    assert project.archive.read_bytes() == archive
    assert len(server.ranges["a"]) == 1 and server.ranges["moved"] == []


def test_a_file_can_be_fetched_alone(project, archive):
    assert project.run(ARCHIVE) == 0, project.output
    assert project.archive.read_bytes() == archive
    assert not (project.folder / DATA).exists()


def test_a_users_file_that_differs_is_refused_and_stays(project, server, archive):
    project.put(MINE * (len(archive) // len(MINE)) + MINE[: len(archive) % len(MINE)])
    mine = project.archive.read_bytes()
    for _ in range(2):
        assert project.run(DATA, "--forceall") != 0
        assert sha256(mine) in project.output and sha256(archive) in project.output
        assert project.archive.read_bytes() == mine
    assert not (project.folder / DATA).exists() and server.ranges["a"] == []


def test_a_corrected_checksum_makes_the_data_stale(project, archive):
    assert project.run(DATA) == 0, project.output
    assert project.run(DATA, sha256=sha256(b"another")) != 0
    assert sha256(archive) in project.output and sha256(b"another") in project.output
    assert project.archive.read_bytes() == archive


def test_no_address_that_works_is_told_with_what_to_put_where(project, server):
    project.source["addresses"] = [server.address("gone", status(404))]
    assert project.run(DATA) != 0
    for words in (ARCHIVE, "HTTP 404", project.source["sha256"], f"{project.source['size']:,} byt"):
        assert words in project.output
    assert not project.archive.exists()


def test_a_file_put_there_while_others_are_fetched_stays(project, server):
    """Neither Snakemake nor the download takes away what appears after the plan was made."""

    def put_both(handler, content):
        for path in (project.archive, project.folder / "data/second"):
            path.write_bytes(MINE)
        whole(handler, content)

    project.source["addresses"] = [server.address("both", put_both)]
    assert project.run(ARCHIVE, "data/second") == 0, project.output
    assert project.archive.read_bytes() == MINE
    assert (project.folder / "data/second").read_bytes() == MINE
    assert len(server.ranges["both"]) == 1


def test_weights_of_a_backbone_come_through_the_same_door(project):
    project.folder.joinpath("weights.yaml").write_text(
        "backbones: {efficient: {application: EfficientNetB0}}"
    )
    targets = [f"results/backbones/demo_birds/{name}.keras" for name in ("resnet50", "efficient")]
    arguments = ["-n", *targets, "--configfile", "weights.yaml"]
    command = [sys.executable, "-m", "snakemake", "-c1", *arguments]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=True)
    assert "Downloading data/keras/ResNet50.h5" in done.stdout + done.stderr
    assert "Downloading the ImageNet weights of EfficientNetB0" in done.stdout + done.stderr
