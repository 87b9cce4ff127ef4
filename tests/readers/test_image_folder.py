"""Folders of images as people have them: names of parts and classes, what is in the way, groups."""

import unicodedata

import pytest
import reader_fixtures as fx

from convstudy.foundation.errors import UserError
from convstudy.listing import names
from convstudy.readers import open_source

TWO = ("cat", "dog")
PIXELS = fx.encoded(fx.picture())


def members(*folders: str, count: int = 4) -> dict[str, bytes]:
    """So many images right in each folder."""
    return {f"{folder}/{i}.png": PIXELS for folder in folders for i in range(count)}


def classes(top: str, count: int = 4, of: tuple[str, ...] = TWO) -> dict[str, bytes]:
    return members(*(f"{top}/{name}" if top else name for name in of), count=count)


def read(tmp_path, content: dict[str, bytes], **settings) -> dict:
    folder = fx.write_files(tmp_path / "data", content)
    return fx.prepared("image_folder", {"images": folder}, tmp_path, **settings)


def counts(data: dict) -> list[int]:
    return [len(data[part][0]) for part in ("train", "validation", "test")]


def refused(tmp_path, content: dict[str, bytes], expected: str, **settings) -> str:
    folder = fx.write_files(tmp_path / "data", content)
    return fx.refused("image_folder", {"images": folder}, tmp_path, expected, **settings)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Training", "Testing"),
        ("TRN", "TST"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set/training_set", "test_set/test_set"),
        ("train_set", "test_set"),
        ("images_train", "images_test"),
        ("Training Data", "Testing Data"),
        ("TrainImages", "TestImages"),
        ("trainset", "testset"),
        ("train2017", "test2017"),
        ("train/images", "test/images"),
        ("data/cars/train", "data/cars/test"),
        ("test data/train", "test data/test"),
    ],
)
def test_parts_under_their_usual_names(tmp_path, train, test):
    data = read(tmp_path, classes(train, 6) | classes(test, 3))
    assert data["attributes"]["class_names"] == ["cat", "dog"]
    assert counts(data) == [10, 2, 6]
    assert all(name.decode().startswith(test) for name in data["test"][2])
    assert any("validation images are drawn from train" in note for note in data["facts"]["notes"])


@pytest.mark.parametrize("validation", ["val", "valid", "Validation", "dev", "val_set"])
def test_the_own_validation_part_is_used_as_it_is(tmp_path, validation):
    content = classes("train", 10) | classes(validation, 3) | classes("test", 4)
    data = read(tmp_path, content)
    assert counts(data) == [20, 6, 8]
    assert all(name.decode().startswith(validation) for name in data["validation"][2])


def test_train_and_validation_alone(tmp_path):
    data = read(tmp_path, classes("train", 10) | classes("val", 3))
    assert counts(data) == [16, 6, 4]
    assert any("test images are drawn from train" in note for note in data["facts"]["notes"])


def test_words_that_only_begin_like_a_part_are_classes(tmp_path):
    data = read(tmp_path, classes("", of=("test_tube", "train station", "valley")))
    assert data["attributes"]["class_names"] == ["test_tube", "train station", "valley"]
    assert names.part_of("device") is None and names.part_of("latest") is None


def test_a_class_may_be_called_train_inside_the_parts(tmp_path):
    of = ("train", "tram")
    data = read(tmp_path, classes("train", of=of) | classes("test", of=of))
    assert data["attributes"]["class_names"] == ["train", "tram"]


def test_unlabelled_test_images_are_refused_or_left_out(tmp_path):
    content = classes("train", 6) | members("test", count=5)
    message = refused(tmp_path, content, "'test/0.png' lies in no class folder")
    assert 'exclude: ["test/*"]' in message
    data = read(tmp_path, content, options={"exclude": ["test/*"]})
    assert data["attributes"]["class_names"] == ["cat", "dog"] and counts(data) == [8, 2, 2]
    assert len(data["facts"]["left_out"]) == 5
    assert ["test/0.png", "fits the option exclude"] in data["facts"]["left_out"]


def test_a_table_of_labels_is_named(tmp_path):
    content = members("train", "test") | {"labels.csv": b"id,breed\n"}
    assert "reader 'table'" in refused(tmp_path, content, "'train/0.png'.*labels.csv")
    flat = members("images") | {"labels.tsv": b"id\tbreed\n"}
    assert "reader 'table'" in refused(tmp_path / "flat", flat, "'images/0.png'.*labels.tsv")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (classes("train") | classes("training"), "'train' and 'training' both mean the train part"),
        (members("train", "test"), "'train/0.png' lies in no class folder"),
        (classes("test") | classes("other"), "'test/cat/0.png'.* no folder 'train'"),
        (classes("") | {"logo.png": PIXELS}, "'logo.png' lies in no class folder"),
        (classes("") | members("train"), "'train/0.png' lies in no class folder"),
        (classes("train_val") | classes("test"), "'train_val' has the name of two parts"),
        (
            classes("cat", of=("train", "test")) | classes("dog", of=("train",)),
            "'cat/test/0.png' lies",
        ),
        (classes("data/train") | classes("data/test") | classes("extra"), "name of a part, inside"),
        (
            classes("training/train") | classes("training/val") | classes("testing"),
            "'training/train/cat/0.png' lies in a part inside a part|name of a part, inside",
        ),
        (classes("train") | classes("test", of=("cat", "Dog")), "'Dog'.*upper and lower case only"),
        (classes("train") | classes("test", of=("cat",)), "'dog' is in 'train' and not in 'test'"),
        (classes("seg_train") | members("seg_pred"), "'seg_train/cat/0.png' lies in a folder with"),
        (classes("") | classes("", of=("cat ",)), "'cat' and 'cat ' have one name"),
    ],
)
def test_the_first_path_in_the_way_is_named(tmp_path, content, expected):
    refused(tmp_path, content, expected)


def test_letters_that_look_alike_are_shown_as_code_points(tmp_path):
    content = classes("train") | classes("test", of=("c\u0430t", "dog"))
    assert "U+0430" in refused(tmp_path, content, "is in 'test' and not in 'train'")


def test_names_are_compared_in_one_unicode_form(tmp_path):
    mac, other = (unicodedata.normalize(form, "café") for form in ("NFD", "NFC"))
    content = classes("train", of=(mac, "bar ")) | classes("test", of=(other, "bar"))
    data = read(tmp_path, content, classes=["bar", mac])
    assert data["attributes"]["class_names"] == ["bar", other]
    assert any("composed form" in note for note in data["facts"]["notes"])


def test_folders_beside_the_parts_are_left_out_and_counted(tmp_path):
    content = classes("train", 6) | classes("test", 3) | classes("all_data", 2) | members("extra")
    data = read(tmp_path, content)
    assert counts(data) == [10, 2, 6]
    assert len(data["facts"]["left_out"]) == 8
    assert ["extra/0.png", "lies beside the parts, in 'extra'"] in data["facts"]["left_out"]
    assert any("'all_data' (4), 'extra' (4)" in note for note in data["facts"]["notes"])


@pytest.mark.parametrize(("top", "empty"), [("", "fox"), ("train", "train/fox")])
def test_an_empty_class_folder_stops_the_run(tmp_path, top, empty):
    content = classes(top) | (classes("test") if top else {})
    (tmp_path / "data" / empty).mkdir(parents=True)
    refused(tmp_path, content, f"class folder '{empty}' holds no images")
    data = read(tmp_path, content, options={"exclude": [f"{empty}/**"]})
    assert data["attributes"]["class_names"] == ["cat", "dog"]


def test_folders_without_images_above_the_classes_are_noted(tmp_path):
    (tmp_path / "data/fox").mkdir(parents=True)
    notes = read(tmp_path, classes("cats"))["facts"]["notes"]
    assert len(notes) == 1 and "All images lie in 'cats'" in notes[0] and "'fox'" in notes[0]


def test_names_that_are_not_utf8_may_stand_in_notes(tmp_path):
    content = classes("") | members("cat/sub\udce9", count=1)
    notes = read(tmp_path, content)["facts"]["notes"]
    assert notes[0].startswith("1 images lie in sub-folders")


def test_a_class_of_one_image(tmp_path):
    content = classes("", 6) | {"fox/1.png": PIXELS}
    folder = fx.write_files(tmp_path / "data", content)
    with pytest.raises(UserError, match="class 'fox': 1 images, expected at least 3"):
        fx.prepared("image_folder", {"images": folder}, tmp_path)
    data = read(tmp_path, content, exclude_classes=["fox"])
    assert data["attributes"]["class_names"] == ["cat", "dog"]


def test_masks_beside_images_are_noted_and_can_be_left_out(tmp_path):
    content = {
        f"{name}/{kind}/{name}-{i}.{'png' if kind == 'images' else 'bmp'}": PIXELS
        for name in ("COVID", "Normal")
        for kind in ("images", "masks")
        for i in range(6)
    }
    notes = " ".join(read(tmp_path, content)["facts"]["notes"])
    assert "12 file names stand in two sub-folders of a class" in notes
    assert "24 images lie in sub-folders" in notes and 'exclude: ["**/masks/*"]' in notes
    for options in ({"exclude": ["**/masks/*"]}, {"include": ["*/images/*"]}):
        data = read(tmp_path, content, options=options)
        assert sum(counts(data)) == 12 and len(data["facts"]["left_out"]) == 12
        assert not any("two sub-folders" in note for note in data["facts"]["notes"])


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("cat/*", {"cat/0.png"}),
        ("*/0.png", {"cat/0.png"}),
        ("**/0.png", {"cat/0.png", "cat/a/0.png"}),
        ("cat/**", {"cat/0.png", "cat/a/0.png", "cat/a/[1].png"}),
        ("cat/a/[[]1].png", {"cat/a/[1].png"}),
        ("cat/a/[!0].png", set()),
        ("cat/?/0.png", {"cat/a/0.png"}),
    ],
)
def test_patterns(tmp_path, pattern, fits):
    content = {"cat/0.png": PIXELS, "cat/a/0.png": PIXELS, "cat/a/[1].png": PIXELS}
    folder = fx.write_files(tmp_path / "data", content | classes("dog"))
    with open_source("image_folder", {"images": folder}, {"include": [pattern, "dog/**"]}) as found:
        assert {name for name in found.names if name.startswith("cat")} == fits


def test_a_pattern_that_fits_nothing_is_refused(tmp_path):
    refused(
        tmp_path,
        classes(""),
        "'masks/\\*'.*fits no file.*cat/0.png",
        options={"exclude": ["masks/*"]},
    )


def test_patterns_may_fit_the_same_files(tmp_path):
    content = classes("") | {"masks/0.svg": b""}
    options = {"exclude": ["**/*.svg", "masks/**"]}
    assert sum(counts(read(tmp_path, content, options=options))) == 8


@pytest.mark.parametrize("ending", ["CR2", "dng", "svg", "psd", "pdf", "exr", "dcm", "nii.gz"])
def test_images_that_cannot_be_read_stop_the_run(tmp_path, ending):
    content = classes("") | {f"cat/raw.{ending}": b"x"}
    refused(tmp_path, content, f"'cat/raw.{ending}' looks like an image")
    exclude = f"**/*.{ending.split('.')[-1]}"
    data = read(tmp_path, content, options={"exclude": [exclude]})
    assert [f"cat/raw.{ending}", "fits the option exclude"] in data["facts"]["left_out"]


def test_other_files_are_counted_by_ending(tmp_path):
    content = classes("") | {"a.txt": b"", "cat/b.TXT": b"", "cat/c.xml": b"", "d": b""}
    notes = read(tmp_path, content)["facts"]["notes"]
    assert notes == ["Left out files that are no images: 2 .txt, 1 .xml, 1 no ending."]


def test_groups_from_the_path(tmp_path):
    content = {f"{c}/P{n:03}_{i}.png": PIXELS for c in TWO for n in range(5) for i in range(2)}
    folder = fx.write_files(tmp_path / "data", content)
    options = {"group_pattern": r"(?P<group>P\d+)_"}
    with open_source("image_folder", {"images": folder}, options) as source:
        assert source.names[:3] == ["cat/P000_0.png", "cat/P000_1.png", "cat/P001_0.png"]
        assert list(source.groups)[:3] == ["P000", "P000", "P001"]
    message = r"'dog/other.png' no group \(1 of 21 images\)"
    refused(tmp_path, {"dog/other.png": PIXELS}, message, options=options)


def test_groups_from_a_folder(tmp_path):
    content = members("cat/left/P1", "cat/right/P2", "dog/left/P3")
    folder = fx.write_files(tmp_path / "data", content)
    with open_source("image_folder", {"images": folder}, {"group_folder": 2}) as source:
        assert set(source.groups) == {"P1", "P2", "P3"}
    refused(tmp_path, {}, "'cat/left/P1/0.png' no group", options={"group_folder": 3})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"group_pattern": "(P"}, r"group_pattern: '\(P' is no regular expression"),
        ({"group_pattern": "P"}, "has no group of the name 'group'"),
        ({"group_pattern": "(?P<group>x)", "group_folder": 1}, "both set"),
        ({"group_folder": 0}, "group_folder: 0, expected a whole number from 1"),
    ],
)
def test_bad_options_of_groups(tmp_path, options, expected):
    folder = fx.write_files(tmp_path / "data", classes(""))
    with pytest.raises(UserError, match=expected):
        with open_source("image_folder", {"images": folder}, options):
            pass
