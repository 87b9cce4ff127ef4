"""Which classes a config chooses."""

import unicodedata

import pytest

from convstudy.data.classes import choose_classes
from convstudy.foundation.errors import UserError

NAMES = ["ant", "bee", "cat", "dog"]


def test_choice_of_classes():
    assert choose_classes(NAMES) == [0, 1, 2, 3]
    assert choose_classes(NAMES, ["dog", "bee", "ant"]) == [3, 1, 0]
    assert choose_classes(NAMES, ["dog", "bee", "ant"], 2) == [3, 1]
    assert choose_classes(NAMES, None, 3) == [0, 1, 2]
    assert choose_classes(NAMES, None, 30) == [0, 1, 2, 3]
    assert choose_classes(NAMES, None, 2, ["ant"]) == [1, 2]


def test_numbers_are_labels_where_those_are_published():
    assert choose_classes(NAMES, ["dog", 1, "ant"], numbered=True) == [3, 1, 0]
    assert choose_classes(["10", "2"], ["2", 0], numbered=True) == [1, 0]
    assert choose_classes(NAMES, None, None, [0, "dog"], numbered=True) == [1, 2]


def test_numbers_mean_the_classes_of_that_name():
    names = ["1", "10", "2", "3"]
    assert choose_classes(names, [1, 2]) == [0, 2]
    assert choose_classes(names, None, None, [10]) == [0, 2, 3]
    assert choose_classes(["01", "02"], [1, 2]) == [0, 1]  # YAML reads 01 as 1
    assert choose_classes(["01", "1", "2"], ["01", 2]) == [0, 2]


def test_names_are_compared_in_one_unicode_form():
    names = [unicodedata.normalize("NFC", "café"), "bar"]
    assert choose_classes(names, ["bar", unicodedata.normalize("NFD", "café")]) == [1, 0]


@pytest.mark.parametrize(
    ("classes", "limit", "expected"),
    [
        (["ant", "dogs"], None, "unknown class 'dogs'.*did you mean 'dog'"),
        ([0, 4], None, "classes: 4, expected a label from 0 to 3"),
        ([0, -1], None, "classes: -1"),
        ([0, True], None, "classes: True"),
        ([0, 1.5], None, "classes: 1.5"),
        (["ant", 0], None, "'ant' is listed twice"),
        (["ant"], None, "1 of the 4 classes"),
        (None, 1, "1 of the 4 classes"),
    ],
)
def test_bad_choice_of_classes(classes, limit, expected):
    with pytest.raises(UserError, match=expected):
        choose_classes(NAMES, classes, limit, numbered=True)


@pytest.mark.parametrize(
    ("names", "classes", "expected"),
    [
        (NAMES, [0, 1], "classes: 0, and no class has that number.*Write the name.*'ant'"),
        (["01", "1", "2"], [1, 2], "1 may mean the classes '01' and '1'"),
        (["1", "2"], [1, True], "classes: True"),
    ],
)
def test_bad_numbers(names, classes, expected):
    with pytest.raises(UserError, match=expected):
        choose_classes(names, classes)


def test_an_unknown_class_to_leave_out():
    with pytest.raises(UserError, match="exclude_classes: unknown class 'cats'.*'cat'"):
        choose_classes(NAMES, None, None, ["cats"])
