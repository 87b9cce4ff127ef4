"""Pictures: they appear, are the same bytes twice, and can be read."""

import matplotlib.figure
import numpy as np
import pytest
from drawings import DRAWINGS, data_set, draw_comparison, draw_learning_curves, history
from matplotlib.colors import to_hex

from convstudy.data import hdf5
from convstudy.foundation.errors import UserError
from convstudy.report import class_names
from convstudy.report.plots import (
    learning_curves,
    samples,
    style,
)

PNG = b"\x89PNG\r\n"


@pytest.fixture
def coarse(monkeypatch):
    """Fewer pixels, for speed."""
    monkeypatch.setattr(style, "DPI", 60)


@pytest.fixture
def figures(monkeypatch):
    """Collect the figures as they are saved."""
    seen = []
    save = matplotlib.figure.Figure.savefig

    def keep(self, *args, **kwargs):
        seen.append(self)
        return save(self, *args, **kwargs)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return seen


@pytest.mark.parametrize("draw", DRAWINGS)
def test_files_appear_and_are_the_same_bytes_twice(draw, tmp_path, coarse):
    first = [tmp_path / "one" / "x.png", tmp_path / "one" / "x.svg"]
    second = [tmp_path / "two" / "x.png", tmp_path / "two" / "x.svg"]
    draw(tmp_path / "data", first)
    draw(tmp_path / "data", second)
    assert first[0].read_bytes().startswith(PNG)
    assert b"<svg" in first[1].read_bytes()
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in first[0].parent.iterdir()) == ["x.png", "x.svg"]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_axes_are_labelled_and_texts_stay_inside(draw, tmp_path, figures, monkeypatch):
    # letters are a little wider or narrower at other resolutions than that of the layout
    monkeypatch.setattr(style, "DPI", matplotlib.rcParams["figure.dpi"])
    draw(tmp_path, [tmp_path / "x.png"])
    (figure,) = figures
    for axes in figure.axes:
        if axes.axison and axes.get_label() != "<colorbar>":
            last = axes.get_subplotspec().is_last_row()
            assert axes.get_xlabel() or not last
            rows = axes.get_ylabel() or [t.get_text() for t in axes.get_yticklabels()]
            beside = axes.get_shared_y_axes().get_siblings(axes)
            assert rows or len(beside) > 1
    width, height = figure.bbox.size
    drawn = figure.get_tightbbox()  # inches
    assert drawn.x0 > -0.03 and drawn.x1 < figure.get_figwidth() + 0.03
    assert drawn.y0 > -0.03 and drawn.y1 < figure.get_figheight() + 0.03
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1
        for axes in figure.axes:
            assert not axes.bbox.overlaps(box)


def test_colour_of_a_variant_is_one_everywhere(tmp_path, figures):
    draw_comparison(tmp_path, [tmp_path / "x.png"])
    colours = style.variant_colours({"objects": ["base_net", "base_net_normalize"]})
    accuracy, _, intervals, _ = figures[0].axes
    for colour in colours.values():
        for axes in (accuracy, intervals):
            assert colour in {to_hex(line.get_color()) for line in axes.lines}
    handles = figures[0].legends[0].legend_handles
    legend = {h.get_label(): to_hex(h.get_color()) for h in handles if h.get_label() in colours}
    assert legend == colours


def test_colours_go_by_position_in_the_task():
    names = [f"v{i}" for i in range(20)]
    colours = style.variant_colours({"objects": names, "birds": ["b0", "b1"]})
    assert len({colours[name] for name in names}) == 20
    assert (colours["b0"], colours["b1"]) == (colours["v0"], colours["v1"])
    fewer = style.variant_colours({"objects": names[:3]})
    assert all(colours[name] == colour for name, colour in fewer.items())
    assert len({style.marker_of(colour) for colour in style.PALETTE}) == len(style.PALETTE)


def test_one_epoch_and_one_seed_can_be_seen(tmp_path, figures):
    path = history(tmp_path / "h.csv", 1)
    learning_curves.plot([(0, path)], "short", style.PALETTE[0], [tmp_path / "x.png"])
    assert all(line.get_marker() != "None" for line in figures[0].axes[0].lines)


def test_mean_ends_with_the_shortest_run(tmp_path):
    runs = [(0, history(tmp_path / "a.csv", 4)), (1, history(tmp_path / "b.csv", 9, level=0.2))]
    frames = style.read_histories(runs)
    epochs, mean = style.mean_over_seeds(frames, "accuracy")
    assert epochs.tolist() == [1, 2, 3, 4]
    assert mean[0] == pytest.approx(0.4 * (1 - np.exp(-1 / 3)))


def test_damaged_history_is_named(tmp_path):
    path = tmp_path / "history.csv"
    for content in ("", "epoch,loss\n1,2\n"):
        path.write_text(content)
        with pytest.raises(UserError, match="history.csv"):
            style.read_histories([(0, path)])


def test_samples_read_only_what_they_show(tmp_path, monkeypatch):
    path = data_set(tmp_path / "d.h5", [f"c{i}" for i in range(50)], images=9)
    read = []
    rows = hdf5.read_rows
    monkeypatch.setattr(hdf5, "read_rows", lambda *a: read.append(len(a[2])) or rows(*a))
    samples.plot(path, "d", [tmp_path / "x.png"], rows=2, columns=10)
    assert read == [20]


def test_class_with_few_images_leaves_its_places_white(tmp_path):
    path = data_set(tmp_path / "d.h5", ["one", "two"], images=1)
    samples.plot(path, "d", [tmp_path / "x.png"], rows=4)
    assert (tmp_path / "x.png").exists()


def test_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match="png or .svg"):
        draw_learning_curves(tmp_path, [tmp_path / "x.jpg"])


def test_names_are_made_readable():
    assert class_names.readable(["012.Yellow_headed_Blackbird"]) == ["Yellow headed Blackbird"]
    assert class_names.readable(["v1.5_engine"]) == ["v1.5 engine"]
