"""What became of a data set's images: unreadable ones, the table of classes, the facts."""

import csv

import numpy as np
import pytest
import reader_fixtures as fx

from convstudy.data import facts
from convstudy.data.stored_images import NAMED
from convstudy.foundation.errors import UserError


def broken(count=3):
    """Two classes of eight images, of which the first few are empty or a page of HTML."""
    content = fx.folder_members(8, classes=("cat", "dog"))
    for index in range(count):
        content[f"cat/{index}.png"] = b""
        content[f"dog/{index}.png"] = b"<html>403 Forbidden</html>"
    return content


def test_all_unreadable_images_are_named_at_once(tmp_path):
    files = {"images": fx.write_files(tmp_path / "data", broken())}
    message = fx.refused("image_folder", files, tmp_path, "6 images cannot be used")
    for name in ("cat", "dog"):
        assert all(f"{name}/{index}.png (" in message for index in range(3))
    assert "unreadable: skip" in message


def test_of_many_the_first_are_named_and_the_others_counted(tmp_path):
    content = fx.folder_members(30) | {f"ant/x{index}.png": b"" for index in range(NAMED + 9)}
    files = {"images": fx.write_files(tmp_path / "data", content)}
    message = fx.refused("image_folder", files, tmp_path, "and 9 more")
    assert message.count("ant/x") == NAMED and f"{NAMED + 9} images" in message


def test_unreadable_images_can_be_skipped(tmp_path):
    files = {"images": fx.write_files(tmp_path / "data", broken(1) | {"dog/7.png": b"no"})}
    data = fx.prepared("image_folder", files, tmp_path, unreadable="skip")
    assert sorted(name for name, _ in data["facts"]["unreadable"]) == [
        "cat/0.png", "dog/0.png", "dog/7.png",
    ]  # fmt: skip
    assert all(why.startswith("the file is") for _, why in data["facts"]["unreadable"])
    files = {"images": fx.write_files(tmp_path / "good", broken(0))}
    good = fx.prepared("image_folder", files, tmp_path / "other")
    lost = {name.encode() for name, _ in data["facts"]["unreadable"]}
    for subset in ("train", "validation", "test"):
        images, labels, names = good[subset]
        kept = ~np.isin(names, list(lost))
        assert np.array_equal(data[subset][0], images[kept])
        assert np.array_equal(data[subset][1], labels[kept])
        assert data[subset][2].tolist() == names[kept].tolist()
    assert sum(len(data[subset][1]) for subset in ("train", "validation", "test")) == 13


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_class_without_a_readable_image_in_a_part_is_refused(tmp_path, part):
    content = {f"{x}/{name}": y for x in ("train", "test") for name, y in broken(0).items()}
    content |= {f"{part}/cat/{index}.png": b"" for index in range(8)}
    files = {"images": fx.write_files(tmp_path / "data", content)}
    expected = f"class 'cat' has no {part} image left, as these cannot be used: {part}/cat/"
    fx.refused("image_folder", files, tmp_path, expected, unreadable="skip")


def test_an_unreadable_image_is_named_before_groups_are_made(tmp_path):
    files = {"images": fx.write_files(tmp_path / "data", broken())}
    fx.refused("image_folder", files, tmp_path, "6 images cannot", duplicates="one_group")
    skipped = fx.prepared(
        "image_folder", files, tmp_path, duplicates="one_group", unreadable="skip",
        test_fraction=0.5, validation_fraction=0.5,
    )  # fmt: skip
    assert len(skipped["facts"]["unreadable"]) == 6


def test_the_table_has_a_row_a_class_and_one_for_all(tmp_path):
    content = fx.folder_members(100, classes=("common",)) | fx.folder_members(5, classes=("rare",))
    files = {"images": fx.write_files(tmp_path / "data", content)}
    found = fx.prepared("image_folder", files, tmp_path)["facts"]
    assert found["classes"] == {
        "names": ["common", "rare"], "train": [72, 3], "validation": [8, 1], "test": [20, 1],
    }  # fmt: skip
    assert found["groups"] is None
    with open(tmp_path / "out/data.csv", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["class", "train", "validation", "test", "images", "share", "groups"],
            ["common", "72", "8", "20", "100", "0.952381", ""],
            ["rare", "3", "1", "1", "5", "0.047619", ""],
            ["(all)", "75", "9", "21", "105", "1.000000", ""],
        ]


def test_groups_are_counted_by_class_and_in_all(tmp_path):
    found = facts.groups(["p", "p", "q", "", ""], np.array([0, 1, 1, 1, 0]), 2)
    assert found == {"of_class": [2, 3], "all": 4}
    assert facts.groups([], np.array([0, 1]), 2) is None


def test_facts_without_a_key_are_damaged(tmp_path):
    (tmp_path / "d.json").write_text('{"notes": []}')
    with pytest.raises(UserError, match="d.json: cannot be read"):
        facts.read([tmp_path / "d.json"])
