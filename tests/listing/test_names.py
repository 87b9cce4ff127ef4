"""Words for parts, names that are one, and patterns of paths."""

import pytest

from convstudy.foundation.errors import UserError
from convstudy.listing import names
from convstudy.listing.patterns import Selection


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", "train"), ("Training", "train"), ("TRAIN", "train"), ("Training Data", "train"),
        ("train_set", "train"), ("trainset", "train"), ("images_train", "train"),
        ("train2017", "train"), ("val", "validation"), ("Valid", "validation"),
        ("validation", "validation"), ("dev", "validation"), ("Testing", "test"), ("tst", "test"),
        ("test-images", "test"), ("TestImages", "test"), ("cat", None), ("test_tube", None),
        ("trainer", None), ("contest", None), ("validity", None), ("detest", None),
    ],
)  # fmt: skip
def test_words_that_mean_a_part(name, part):
    assert names.part_of(name) == part


def test_names_that_differ_in_the_part_alone_mean_parts():
    assert names.parts_among(["seg_train", "seg_test"]) == {
        "seg_test": "test",
        "seg_train": "train",
    }
    assert names.parts_among(["test_tube", "flask"]) == {}
    assert names.parts_among(["train", "test_tube"]) == {"train": "train"}


def test_names_are_one_whatever_their_form_and_blanks():
    assert names.normalized(" cafe\u0301 ") == "caf\u00e9"


def test_a_near_miss_says_what_differs():
    assert "upper and lower case only" in names.near_miss("cat", ["Cat", "dog"])
    assert "U+0430" in names.near_miss("c\u0430t", ["cat", "dog"])  # a Cyrillic letter
    assert names.near_miss("cat", ["zebra"]) == ""


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*/masks/*", ["cat/masks/1.png"], ["masks/1.png", "a/cat/masks/1.png"]),
        ("**/masks/**", ["masks/1.png", "a/b/masks/c/1.png"], ["cat/masks.png"]),
        ("test/*", ["test/1.png"], ["test/cat/1.png", "mytest/1.png"]),
        ("**/*_mask.png", ["a_mask.png", "x/y/a_mask.png"], ["x/a_mask.png.jpg"]),
        ("cat/[12].png", ["cat/1.png", "cat/2.png"], ["cat/3.png", "cat/12.png"]),
        ("cat/[!12].png", ["cat/3.png"], ["cat/1.png", "cat//.png"]),
        ("cat/a+(b).png", ["cat/a+(b).png"], ["cat/aab.png"]),
        ("caf\u00e9/*", ["cafe\u0301/1.png"], ["cafe/1.png"]),
    ],
)
def test_patterns_are_those_of_whole_paths(pattern, fits, fits_not):
    selection = Selection(None, [pattern])
    assert [x for x in fits + fits_not if selection.excludes(x)] == fits
    assert selection.excluded[pattern] == len(fits)
    assert [x for x in fits + fits_not if Selection([pattern], None).includes(x)] == fits


def test_a_pattern_that_leaves_nothing_out_is_refused():
    selection = Selection(None, ["masks/*"])
    assert not selection.excludes("mask/1.png")
    with pytest.raises(UserError, match=r"'masks/\*' of the option exclude fits no file"):
        selection.check_used("data", "mask/1.png")
