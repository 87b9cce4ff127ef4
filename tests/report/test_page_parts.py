"""What the page draws and chooses: drawings, bins, pairs, examples, settings."""

import math
import re

import numpy as np
import pytest
import report_study

from convstudy.report import (
    calibration,
    confusion,
    drawings,
    examples,
    grids,
    notes,
    results,
    settings,
)
from convstudy.report.drawings import Axis, Dot


def dot(number, cost, value):
    return Dot(number, cost, value, math.nan, math.nan, 0, f"d{number}")


def test_pareto_front_holds_what_nothing_beats():
    dots = [dot(1, 10, 0.5), dot(2, 10, 0.7), dot(3, 20, 0.6), dot(4, 30, 0.7), dot(5, 40, 0.9)]
    assert [one.number for one in drawings.pareto(dots)] == [2, 5]


def test_places_on_an_axis():
    assert Axis(0, 10).place(2.5) == 25
    assert Axis(1, 100, log=True).place(10) == pytest.approx(50)
    assert Axis(0, 1).place(7) == 100
    assert Axis(0.5, 0.5).place(0.5) == 50


def test_an_axis_of_accuracies_ends_at_one():
    axis = drawings.around([0.97, 0.999], 0, 1)
    assert axis.high == 1 and 0.9 < axis.low < 0.97
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks())


def test_drawings_escape_names():
    drawn = drawings.interval(Axis(0, 1), 0.4, 0.5, 0.6, 0, about='<b>"x"')
    assert "<b>" not in drawn and "&lt;b&gt;" in drawn


def test_bins_of_calibration_hold_thirty_images_of_a_seed_or_more():
    rng = np.random.default_rng(0)
    one = rng.dirichlet([1, 1, 1], 100).astype(np.float32), rng.integers(3, size=100)
    for seeds in (1, 3):
        found = calibration.bins([one] * seeds)
        assert len(found) == 3 and all(bin.images >= 30 for bin in found)
        assert all(bin.low <= bin.accuracy <= bin.high for bin in found)
    few = calibration.bins([(one[0][:7], one[1][:7])])
    assert [bin.images for bin in few] == [7]


def test_more_seeds_are_not_more_images_of_a_bin():
    rng = np.random.default_rng(0)
    one = rng.dirichlet([1, 1, 1], 90).astype(np.float32), rng.integers(3, size=90)
    widths = [
        [b.high - b.low for b in calibration.bins([one] * seeds)] for seeds in (1, 4)
    ]  # fmt: skip
    assert widths[0] == pytest.approx(widths[1], rel=0.05)


def test_pairs_are_ordered_by_the_share_of_the_true_class():
    counts = np.array([[8, 2, 0], [5, 94, 1], [0, 0, 0]])
    found = [(p.true, p.predicted, p.images) for p in confusion.pairs(counts, 9)]
    assert found == [(0, 1, 2), (1, 0, 5), (1, 2, 1)]


@pytest.fixture
def found(tmp_path):
    study = report_study.build(tmp_path, images=300)
    return study, results.load(study["spec"]["rows"], study["frame"], study["runs"])


@pytest.mark.parametrize("classes", [2, 25, 200, 500])
def test_matrix_bears_counts_and_names_where_there_is_room(classes):
    names = [f"class {i}" for i in range(classes)]
    result = results.Result(0, "shapes", "v", "v", 0, [], [], names)
    counts = np.random.default_rng(0).poisson(0.1, (classes, classes)) + np.eye(classes, dtype=int)
    drawn = confusion.drawing(result, counts)
    if classes > 400:
        assert drawn is None
    elif classes > 30:
        assert "<text" not in drawn
        assert drawn.count("M") == np.count_nonzero(counts)
    else:
        texts = re.findall(r"<text[^>]*>([^<]+)</text>", drawn)
        assert texts[: -2 * classes] == [str(n) for n in counts.ravel() if n]
        assert texts[-2 * classes :: 2] == names


def test_long_and_chinese_names_are_cut_in_the_margin():
    assert confusion._cut("x" * 300) == "x" * confusion.LETTERS + "…"
    assert confusion._cut("鳥" * 300) == "鳥" * (confusion.LETTERS // 2) + "…"
    assert confusion._cut("Red bird") == "Red bird"


def test_certain_mistakes_come_with_their_own_pictures(found):
    study, (first, *_) = found
    images = examples.Pictures(study["data_files"]["shapes"])
    probabilities, labels = first.predictions()[0]
    mistakes = examples.certain_mistakes(first, images, (probabilities, labels))
    assert len(mistakes) == 12
    certain = [one.confidence for one in mistakes]
    assert certain == sorted(certain, reverse=True)
    wrong = probabilities.argmax(axis=1) != labels
    assert certain[0] == pytest.approx(probabilities.max(axis=1)[wrong].max())
    for one in mistakes:
        assert one.name == f"{one.row}.png"
        assert one.true == first.readable_names[labels[one.row]] != one.predicted
        assert images.read(np.array([one.row]))[0][0] == one.picture


def test_pictures_are_96_pixels_at_most():
    big = np.zeros((300, 200, 3), np.uint8)
    assert examples.address(big).startswith("data:image/jpeg;base64,")
    assert examples.address(big[:32, :32]).startswith("data:image/png;base64,")


def test_settings_say_what_varies_and_leave_out_a_budget_said_twice():
    rows = [report_study.row(name, name, place) for place, name in enumerate("ab")]
    rows[1]["switches"] = {"validation_images": "augmented"}
    found = {one.name: one for one in settings.table(rows)}
    assert found["training.learning_rate"].values == ["0.01", "0.02"]
    assert found["training.learning_rate"].varies and not found["training.epochs"].varies
    assert found["switches.validation_images"].values == ["–", "augmented"]
    assert found["model_options.hidden"].values == ["[64]", "[128]"]
    assert "budget.epochs" not in found
    rows[1]["budget"] = {"epochs": 99, "patience": None}
    assert {one.name: one for one in settings.table(rows)}["budget.epochs"].values == ["–", "99"]


def test_cells_keep_their_number():
    cell = grids.Cell.of(1 / 3, notes.percent, "x|y|z")
    assert (cell.text, float(cell.value)) == ("33.3", 1 / 3)
    assert grids.Cell.of(math.nan, notes.percent).text == ""
    assert [grids.short(v) for v in (0.5, 1234, 3_780_000)] == ["0.5", "1.23 k", "3.78 M"]
