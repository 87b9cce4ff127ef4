"""Equal and near-equal images: found, counted, named, refused, kept in one part."""

import csv
from itertools import combinations

import numpy as np
import pytest
import reader_fixtures as fx
from PIL import Image, ImageEnhance

from convstudy.data import duplicates, fingerprints, hdf5
from convstudy.foundation import atomic_files


def photograph(seed, size=(48, 40)):
    """Soft shapes with a little grain, as photographs have them."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(
        np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
    )


def blank(level):
    return fx.encoded(Image.new("RGB", (8, 8), (level, level, level)))


def members(part_of=lambda index: "train" if index < 4 else "test", count=6):
    """A data set in two parts without any two images that are alike."""
    return {
        f"{part_of(index)}/{name}/{index}.png": fx.encoded(photograph(100 * place + index))
        for place, name in enumerate(fx.CLASSES)
        for index in range(count)
    }


def prepared(folder, content, **settings):
    """The facts on duplicates of a data set, and the rows of its table of pairs."""
    files = {"images": fx.write_files(folder / "data", content)}
    facts = fx.prepared("image_folder", files, folder, **settings)["facts"]
    with open(folder / "out/data.duplicates.csv", newline="") as stream:
        return facts["duplicates"], list(csv.DictReader(stream))


def test_a_data_set_without_twins_has_none(tmp_path):
    found, pairs = prepared(tmp_path, members())
    assert pairs == [] and found["leaked"] == [] and found["complete"]
    assert {found["equal"][key] + found["near"][key] for key in ("images", "groups")} == {0}


def test_every_test_image_is_a_copy_of_a_training_image(tmp_path, caplog):
    train = {
        f"train/{name}/{i}.png": fx.encoded(Image.new("RGB", (24, 20), (40 + 90 * k, 10 * i, 200)))
        for k, name in enumerate(("cat", "dog"))
        for i in range(10)
    }
    test = {name.replace("train/", "test/"): content for name, content in train.items()}
    found, pairs = prepared(tmp_path, train | test)
    assert found["equal"] == {
        "images": 40, "groups": 20, "within_one_part": 0, "train_and_validation": 0,
        "training_and_test": 20, "several_classes": 0, "test_images": 20,
    }  # fmt: skip
    assert found["leaked"] == list(range(20))
    assert (found["near"]["images"], found["plain"]) == (0, 40)  # blank, so only equality counts
    assert len(pairs) == 20 and all(
        row["kind"] == "equal"
        and row["image_b"] == row["image_a"].replace("train/", "test/")
        and {row["part_a"], row["part_b"]} in ({"train", "test"}, {"validation", "test"})
        for row in pairs
    )
    (warning,) = [x.message for x in caplog.records if x.levelname == "WARNING"]
    assert "20 test images are equal to images that are trained or validated on" in warning
    assert "train/cat/0.png = test/cat/0.png" in warning and "data.duplicates.csv" in warning


def test_equal_is_what_has_the_same_pixels_in_whatever_file(tmp_path):
    content = members()
    same = photograph(0)
    content["test/ant/9.png"] = fx.encoded(same, compress_level=1)
    content["test/ant/8.png"] = fx.encoded(same.convert("RGBA"))
    content["test/ant/7.bmp"] = fx.encoded(same, "BMP")
    content["test/ant/6.png"] = fx.encoded(same.resize((24, 20)))
    found, pairs = prepared(tmp_path, content)
    assert (found["equal"]["images"], found["equal"]["test_images"]) == (4, 3)
    assert (found["near"]["images"], found["near"]["test_images"]) == (5, 1)
    assert {row["group"] for row in pairs} == {"0"}
    near = next(row for row in pairs if row["kind"] == "near")
    assert "test/ant/6.png" in (near["image_a"], near["image_b"])
    assert int(near["distance"]) <= duplicates.DISTANCE


def test_one_image_with_two_labels(tmp_path, caplog):
    content = members()
    content["train/bee/copy.png"] = content["train/ant/0.png"]
    found, pairs = prepared(tmp_path, content)
    assert found["equal"]["several_classes"] == 1 and found["leaked"] == []
    assert [(row["class_a"], row["class_b"]) for row in pairs] == [("ant", "bee")]
    assert "1 images are there with more than one class" in caplog.text


def test_copies_may_be_refused(tmp_path):
    content = members()
    content["test/ant/copy.png"] = content["train/ant/2.png"]
    files = {"images": fx.write_files(tmp_path / "data", content)}
    message = fx.refused(
        "image_folder", files, tmp_path, "1 test images are equal", duplicates="refuse"
    )
    assert "train/ant/2.png = test/ant/copy.png" in message
    del content["test/ant/copy.png"]
    content["train/ant/copy.png"] = content["train/ant/2.png"]  # within training: no harm
    found, _ = prepared(tmp_path / "again", content, duplicates="refuse")
    assert found["equal"]["images"] == 2


def test_blank_images_are_equal_only_where_they_are(tmp_path):
    content = members() | {f"train/ant/blank{i}.png": blank(10 * i) for i in range(5)}
    content["train/ant/white.png"] = content["train/ant/blank0.png"]
    found, _ = prepared(tmp_path, content)
    assert (found["equal"]["images"], found["near"]["images"], found["plain"]) == (2, 0, 6)


def test_the_table_of_pairs_is_cut_and_what_harms_stands_first(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_ROWS", 2)
    content = members()
    for place in range(3):
        content[f"train/ant/z{place}.png"] = content["train/ant/0.png"]
    content["test/cat/copy.png"] = content["train/cat/1.png"]
    found, pairs = prepared(tmp_path, content)
    assert len(pairs) == 2 and found["pairs_left_out"] == 2
    assert pairs[0]["image_b"] == "test/cat/copy.png"


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda image: image.resize((image.width // 2, image.height // 2)), 2),
        (lambda image: ImageEnhance.Contrast(image).enhance(0.7), 2),
        (lambda image: image.convert("L").convert("RGB"), 0),
        (lambda image: ImageEnhance.Brightness(image).enhance(0.8), 2),
    ],
)
def test_hashes_see_through_small_changes_and_tell_others_apart(change, most):
    images = [photograph(seed) for seed in range(60)]
    prints = fingerprints.Fingerprints(120)
    for index, image in enumerate(images):
        prints.add(index, image)
        prints.add(60 + index, change(image))
    prints.finish()
    assert prints.textured.all()
    distances = np.bitwise_count(prints.hashes[:60, None] ^ prints.hashes[None, 60:])
    assert (np.diag(distances) <= most).mean() > 0.9
    assert distances[~np.eye(60, dtype=bool)].min() > duplicates.DISTANCE


def test_near_pairs_are_those_of_all_comparisons():
    rng = np.random.default_rng(0)
    hashes = rng.integers(2**64, size=300, dtype=np.uint64)
    flips = [np.uint64(sum(1 << int(bit) for bit in rng.choice(64, n, False))) for n in range(8)]
    hashes = np.concatenate([hashes, *(hashes[:40] ^ flip for flip in flips)])
    pairs, distances, complete = duplicates.near_pairs(hashes)
    found = {(hashes[a], hashes[b], d) for (a, b), d in zip(pairs.tolist(), distances, strict=True)}
    expected = {
        (hashes[a], hashes[b], distance)
        for a, b in combinations(range(len(hashes)), 2)
        if (distance := np.bitwise_count(hashes[a] ^ hashes[b])) <= duplicates.DISTANCE
    }
    assert complete and (pairs[:, 0] < pairs[:, 1]).all()
    assert {frozenset(x[:2]) for x in found} == {frozenset(x[:2]) for x in expected}
    assert len(pairs) == len(set(map(tuple, pairs.tolist())))


def test_the_search_ends_where_all_images_are_alike(monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 1000)
    pairs, _, complete = duplicates.near_pairs(np.arange(2000, dtype=np.uint64))
    assert len(pairs) == 1000 and not complete


def test_no_images_have_no_pairs():
    pairs, distances, complete = duplicates.near_pairs(np.empty(0, np.uint64))
    assert pairs.shape == (0, 2) and len(distances) == 0 and complete


def test_groups_join_twins_and_known_groups():
    pairs = np.array([[0, 3], [4, 5]])
    twins = duplicates.Twins(pairs, np.array([0, 2]), 1, 7, 0, True)
    alone = duplicates.as_groups(twins)
    assert alone[0] == alone[3] and alone[4] == alone[5] and len(set(alone)) == 5
    joined = duplicates.as_groups(twins, ["p", "p", "q", "q", "", "", ""])
    assert len(set(joined[:4])) == 1 and joined[4] == joined[5]
    assert len(set(joined)) == 3


def test_one_group_says_how_many_images_it_joined(tmp_path):
    content = {f"{name[6:]}": x for name, x in members(lambda index: "train").items()}
    content["ant/copy.png"] = content["ant/0.png"]
    files = {"images": fx.write_files(tmp_path / "data", content)}
    facts = fx.prepared("image_folder", files, tmp_path, duplicates="one_group")["facts"]
    assert facts["notes"][0] == (
        "duplicates: one_group: 2 images that are equal or near to another are in 1 groups, each "
        "of which stays in one part."
    )
    assert facts["originals"]["sizes"] == {"48 x 40": 19}  # each is counted once


def copies(folder):
    """Twelve images of two classes without parts, and two copies of each."""
    content = {}
    for name, x in members(lambda index: "train").items():
        for copy in range(3):
            content[f"{name.removeprefix('train/')[:-4]}_{copy}.png"] = x
    return {"images": fx.write_files(folder, content)}


@pytest.mark.parametrize("seed", [0, 1])
def test_copies_that_are_one_group_stay_in_one_part(tmp_path, seed):
    files = copies(tmp_path / "data")
    found = {}
    for how in ("warn", "one_group"):
        facts = fx.prepared("image_folder", files, tmp_path / how, seed=seed, duplicates=how)
        found[how] = facts["facts"]["duplicates"]["equal"]
    assert found["warn"]["training_and_test"] > 0
    assert found["one_group"]["training_and_test"] == found["one_group"]["test_images"] == 0
    assert found["one_group"]["train_and_validation"] == 0


def kind(name):
    """What copies of one image share in their names; one without any is called a*.png."""
    return name if "/a" in name else name.rsplit("_", 1)[0]


@pytest.mark.parametrize(("how", "folds"), [("warn", 3), ("one_group", 3), ("warn", 12)])
def test_copies_in_two_folds_leak(tmp_path, how, folds):
    files = copies(tmp_path / "data")
    for number in range(16):  # that have no copy
        name = f"{('ant', 'bee')[number % 2]}/a{number}.png"
        fx.write_files(files["images"], {name: fx.encoded(photograph(9000 + number))})
    block = fx.block("image_folder", files, folds=folds, duplicates=how)
    output = tmp_path / "d.h5"
    fx.prepare(block, fx.outputs(output))
    found = atomic_files.read_json(output.with_suffix(".json"))["duplicates"]
    names = hdf5.read_subset(output, hdf5.POOL, ("names",))[0].astype(str)
    parts = hdf5.read_subset(output, hdf5.POOL, ("parts",))[0]
    tests_in = (parts == 2).argmax(axis=1)
    folds_of = {}
    for name, fold in zip(names, tests_in, strict=True):
        folds_of.setdefault(kind(name), set()).add(int(fold))
    spread = {name for name, own in folds_of.items() if len(own) > 1}
    order = np.argsort(tests_in, kind="stable")
    leaked = [row for row, x in enumerate(names[order]) if kind(x) in spread]
    assert found["leaked"] == leaked and bool(leaked) == (how == "warn")
    assert found["equal"]["training_and_test"] == len(spread)
    with open(output.with_suffix(".duplicates.csv")) as stream:
        assert {row["part_a"] for row in csv.DictReader(stream)} <= {
            f"fold {x}" for x in range(folds)
        }
