"""A data set in shards: the same results, and an edit or a failure costs its shard."""

import re
import shutil

import projects
import pytest
import reader_fixtures as fx

STUDY = """
study: mine
studies:
  mine:
    tasks: {birds: {dataset: mine, backbone: resnet50_random}}
    variants: [features_one_layer]
datasets:
  mine: {reader: image_folder, files: {images: pictures}, image_size: [32, 32], shards: COUNT}
"""
FEATURES = "results/features/mine/resnet50_random.h5"
COMPARED = (FEATURES, *(f"results/data/mine.{x}" for x in ("h5", "json", "csv", "duplicates.csv")))


def said(folder, *arguments):
    """The exit status of Snakemake, and what it said."""
    run = projects.snakemake(folder, *arguments)
    return run.returncode, run.stdout + run.stderr


def contents(folder):
    return {name: (folder / name).read_bytes() for name in COMPARED}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose data set and features were made by one job each, then in three shards."""
    folder = tmp_path_factory.mktemp("project")
    projects.put_sources(folder)
    for number in range(150):
        name = f"{'ab'[number % 2]}/{number:03d}.png"
        fx.write_files(folder / "pictures", {name: fx.encoded(fx.picture(number, (32, 32)))})
    (folder / "tiny.yaml").write_text(STUDY.replace("COUNT", "1"))
    projects.done(folder, FEATURES)
    whole = contents(folder)
    (folder / "tiny.yaml").write_text(STUDY.replace("COUNT", "3"))
    return folder, whole, projects.done(folder, FEATURES)


def test_the_files_are_the_same_and_each_shard_is_a_job(made):
    folder, whole, steps = made
    assert contents(folder) == whole
    items = [f"{number}-of-3" for number in (1, 2, 3)]
    assert steps == [
        "deal_batches/mine", "deal_images/mine",
        *(f"decode_shard/mine/{item}" for item in items),
        *(f"extract_shard/mine/resnet50_random/{item}" for item in items),
        "gather_features/mine/resnet50_random", "gather_images/mine",
    ]  # fmt: skip
    assert said(folder, "-n", FEATURES)[1].count("Nothing to be done") == 1
    assert projects.verify(folder).returncode == 0


def test_an_edit_of_a_picture_costs_its_shard(made):
    folder, *_ = made
    (folder / "pictures/a/000.png").write_bytes(fx.encoded(fx.picture(999, (32, 32))))
    steps = projects.done(folder, FEATURES)
    assert [x.split("/")[0] for x in steps] == [
        "deal_batches", "deal_images", "decode_shard", "extract_shard", "gather_features",
        "gather_images",
    ]  # fmt: skip


def test_another_split_decodes_nothing_anew(made):
    folder, *_ = made
    text = (folder / "tiny.yaml").read_text()
    (folder / "tiny.yaml").write_text(text.replace("shards:", "seed: 1, shards:"))
    assert projects.done(folder, "results/data/mine.h5") == ["gather_images/mine"]


def test_a_damaged_shard_is_named_and_costs_itself_alone(made):
    folder, *_ = made
    shard = folder / "results/shards/mine/2-of-3.h5"
    shutil.rmtree(folder / "results/.convstudy/cache", ignore_errors=True)
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    code, words = said(folder, "results/data/mine.h5", "--forcerun", "gather_images")
    assert code == 1
    assert "results/shards/mine/2-of-3.h5" in words and "run the same command again" in words
    shard.unlink()
    assert projects.done(folder, "results/data/mine.h5") == [
        "decode_shard/mine/2-of-3",
        "gather_images/mine",
    ]
    assert shard.read_bytes() == content


def test_auto_needs_the_files_that_tell_the_number(made):
    folder, *_ = made
    text = (folder / "tiny.yaml").read_text()
    text = re.sub(r"shards: \d", "shards: auto", text)
    (folder / "tiny.yaml").write_text(text)
    code, words = said(folder, "-n", "results/data/mine.h5")
    assert code == 0 and "prepare_data" in words
    drawn = "files: {images: results/demo/birds/images.tgz, lists: results/demo/birds/lists.tgz}"
    text = text.replace("image_folder", "cub200_2010").replace("files: {images: pictures}", drawn)
    (folder / "tiny.yaml").write_text(text)
    code, words = said(folder, "-n", "results/data/mine.h5")
    assert code == 1 and "mine.shards: auto is told by the size of its files" in words
    assert "results/demo/birds/lists.tgz" in words
    code, words = said(folder, "-n", "results/demo/birds/images.tgz")
    assert code == 0, words


def test_pictures_that_are_put_away_are_missed_when_they_are_to_be_dealt_anew(made):
    folder, *_ = made
    (folder / "tiny.yaml").write_text(STUDY.replace("COUNT", "3"))
    projects.done(folder, FEATURES)
    (folder / "pictures").rename(folder / "away")
    code, words = said(folder, "-n", FEATURES)
    assert code == 0 and "Nothing to be done" in words
    (folder / "tiny.yaml").write_text(STUDY.replace("COUNT", "3, fit: crop"))
    code, words = said(folder, "-n", FEATURES)
    (folder / "away").rename(folder / "pictures")
    assert code == 1 and "there is no file or folder 'pictures'" in words and "fit:" in words
