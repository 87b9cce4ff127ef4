"""What pictures say: figures at their places on axes that hold them, words that name them."""

import numpy as np
import pytest
from drawings import draw_comparison, draw_sweep, history, predictions
from scipy import stats

from convstudy.report.plots import confusion, learning_curves, reliability, scales, style, texts


@pytest.fixture
def figures(monkeypatch):
    """Collect the figures instead of saving them."""
    seen = []
    monkeypatch.setattr(style, "_save", lambda figure, path: seen.append(figure))
    return seen


def words(figure):
    return " ".join(
        text.get_text() for text in figure.findobj(match=lambda x: hasattr(x, "get_text"))
    )


def points(axes):
    """Where all lines with a marker have their points: (x, y)."""
    lines = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    return [xy for line in lines for xy in zip(*line.get_data(), strict=True)]


@pytest.mark.parametrize("accuracies", [(0.35, 0.43), (0.99, 1.0), (0.0, 0.02), (0.9512, 0.9513)])
def test_no_axis_beyond_100_and_no_point_at_an_edge(accuracies, tmp_path, figures):
    draw_comparison(tmp_path, ["x.png"], accuracies=accuracies)
    axes = figures[0].axes[2]
    low, high = axes.get_xlim()
    start, end = axes.spines["bottom"].get_bounds()
    assert 0 <= start < end <= 100
    assert all(start <= tick <= end for tick in axes.get_xticks())
    assert len(axes.get_xticks()) >= 2
    room = 0.03 * (high - low)
    assert all(low + room < x < high - room for x, _ in points(axes))
    assert len(points(axes)) == 2


def test_accuracies_fill_their_axis(tmp_path, figures):
    draw_comparison(tmp_path, ["x.png"], accuracies=(0.90, 0.92), baseline=0.04)
    low, high = figures[0].axes[2].get_xlim()
    assert 85 < low and high < 97


@pytest.mark.parametrize("baseline, drawn", [(0.04, False), (0.88, True), (0.999, False)])
def test_a_baseline_far_away_is_named_at_the_edge(baseline, drawn, tmp_path, figures):
    draw_comparison(tmp_path, ["x.png"], accuracies=(0.90, 0.92), baseline=baseline)
    axes = figures[0].axes[2]
    dotted = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    edge = [text.get_text() for text in axes.texts if "largest class" in text.get_text()]
    assert dotted == ([100 * baseline] if drawn else [])
    assert len(edge) == (0 if drawn else 1)
    assert all(f"{100 * baseline:.1f} %" in text for text in edge)
    assert f"always the largest class ({100 * baseline:.1f} %)" in words(figures[0])
    assert "guessing" not in words(figures[0])


def test_paired_difference_with_its_interval(tmp_path, figures):
    draw_comparison(tmp_path, ["x.png"])
    axes = figures[0].axes[3]
    ((x, row),) = points(axes)
    assert (x, row) == (pytest.approx(8), 1)
    intervals = [
        sorted(line.get_xdata()) for line in axes.lines if list(line.get_ydata()) == [1, 1]
    ]
    assert intervals == [[pytest.approx(5), pytest.approx(11)]]
    (bar,) = axes.patches
    assert (bar.get_x(), bar.get_width()) == (pytest.approx(-5), pytest.approx(10))
    low, high = axes.get_xlim()
    assert low < -5 and high > 11
    assert {"baseline", "+8.0"} <= {text.get_text() for text in axes.texts}


@pytest.mark.parametrize("of", ["variant", "network"])
def test_one_seed_speaks_of_networks(of, tmp_path, figures):
    draw_comparison(tmp_path, ["x.png"], of=of, seeds=(0, 1) if of == "variant" else (0,))
    said, hollow = words(figures[0]), "white"
    faces = {
        line.get_markerfacecolor() for axes in figures[0].axes[2:] for line in axes.lines
        if line.get_marker() not in ("None", None, "")
    }  # fmt: skip
    assert ("of one network each, not of the variants" in said) == (of == "network")
    assert ("over seeds and test images" in said) == (of == "variant")
    assert (faces == {hollow}) == (of == "network")
    assert ("mean of 2 seeds" in said) == (of == "variant")


def test_variants_are_called_by_their_labels(tmp_path, figures):
    draw_comparison(tmp_path, ["x.png"], labels=["Plain", "Normalised"])
    assert [x.get_text() for x in figures[0].axes[2].get_yticklabels()] == ["Plain", "Normalised"]
    assert "base_net" not in words(figures[0])


def test_the_band_of_a_sweep_is_named_and_ends_at_100(tmp_path, figures):
    draw_sweep(tmp_path, ["x.png"], top=1.0)
    (axes,) = figures[0].axes
    assert "band: one standard deviation over seeds" in words(figures[0])
    tops = [band.get_paths()[0].vertices[:, 1].max() for band in axes.collections]
    assert max(tops) == pytest.approx(100)
    assert axes.spines["left"].get_bounds()[1] <= 100


def test_curves_that_reach_100_stay_inside(tmp_path, figures):
    learning_curves.plot([(0, history(tmp_path / "h.csv", 60, level=1))], "x", "#0072b2", ["x.png"])
    accuracy = figures[0].axes[1]
    assert accuracy.spines["left"].get_bounds()[1] == 100 < accuracy.get_ylim()[1]


@pytest.mark.parametrize("row", [[1, 1, 1], [2, 2, 2, 1], [0, 0], [3, 0, 997], [1] * 7, [199, 1]])
def test_percentages_of_a_row_sum_to_100(row):
    shown = confusion.percentages(np.array([row]))[0]
    assert shown.sum() == (100 if sum(row) else 0)
    exact = 100 * np.array(row) / max(sum(row), 1)
    assert (np.abs(shown - exact) < 1).all()


@pytest.mark.parametrize("classes", [2, 25, 200])
def test_confusion_is_readable(classes, tmp_path, figures):
    names = [f"species {i}" for i in range(classes)]
    confusion.plot([predictions(tmp_path / "p.h5", classes)], names, "x", ["x.png"])
    matrix = next(axes for axes in figures[0].axes if axes.images)
    sizes = [text.get_fontsize() for text in matrix.texts + matrix.get_xticklabels()]
    assert min(sizes) >= 5
    rows = [[] for _ in names]
    for text in matrix.texts:
        rows[round(text.get_position()[1])].append(int(text.get_text().split()[0]))
    assert all(sum(row) == 100 for row in rows) or classes == 200
    assert ("most frequent confusions" in words(figures[0])) == (classes == 200)


def test_calibration_bins_hold_enough_images_and_lie_in_their_intervals():
    rng = np.random.default_rng(0)
    confidence = rng.beta(8, 1, 2000)
    correct = rng.random(2000) < confidence
    bins = reliability.bins_of(confidence, correct, seeds=2)
    assert bins.images.sum() == 2000
    assert bins.images.min() >= 2 * reliability.LEAST_IMAGES
    assert (np.diff(bins.confidence) > 0).all()
    assert ((bins.low < bins.accuracy) & (bins.accuracy < bins.high)).all()
    n, k = round(bins.images[0] / 2), round(bins.accuracy[0] * bins.images[0] / 2)
    wilson = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert (bins.low[0], bins.high[0]) == (wilson.low, wilson.high)


@pytest.mark.parametrize("confidence", [[0.9] * 5, [1.0] * 200, [0.2] * 40 + [1.0] * 3])
def test_calibration_of_few_or_equal_confidences(confidence):
    bins = reliability.bins_of(np.array(confidence), np.ones(len(confidence), bool), seeds=1)
    assert bins.images.tolist() == [len(confidence)]


def test_calibration_names_its_floor(tmp_path, figures):
    paths = [predictions(tmp_path / "p.h5", 40)]
    reliability.plot(paths, 0.039, 0.035, "net", "#0072b2", ["x.png"])
    said = words(figures[0])
    assert "ECE 3.9 points; 3.5 if perfectly calibrated" in said
    assert "95 % interval (Wilson)" in said and "small bins joined" in said
    assert figures[0].axes[0].containers  # the error bars


def test_letters_without_a_font_stay_apart(monkeypatch):
    monkeypatch.setattr(texts, "_glyphs", lambda: frozenset(range(32, 127)) | {ord("…")})
    assert texts.printable("a\n 中") == r"a \u4e2d"
    assert len({*texts.distinct(["中文" * 50, "中文" * 50 + "x", "中文" * 60], 20)}) == 3
    assert all(len(text) <= 20 for text in texts.distinct(["x" * 300, "y" * 300, "x" * 299], 20))


def test_a_font_with_the_letters_is_used(monkeypatch):
    installed = [texts.LATIN, "Noto Sans CJK SC"]
    monkeypatch.setattr(texts.font_manager.fontManager, "get_font_names", lambda: installed)
    texts.families.cache_clear()
    assert texts.families() == tuple(installed)
    texts.families.cache_clear()


def test_ends_of_axes_have_room_for_equal_values():
    low, high = scales.limits([50.0, 50.0, float("nan")])
    assert low < 49 and high > 51
