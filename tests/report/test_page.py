"""The report: one page, whole by itself, and safe with hostile names."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import report_study

from convstudy.data import hdf5
from convstudy.foundation.errors import UserError
from convstudy.report.page import write_report

HOSTILE = '<script>alert("x")</script> & "quoted"'
CLOSING = "</script><b>bold</b>"


class Page(HTMLParser):
    """Collects tags, attributes and the text outside of styles and scripts."""

    VOID = {"meta", "link", "img", "br", "input", "wbr"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.ids, self.text, self.open = [], [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if self.open and self.open[-1] not in ("style", "script") else ""


@pytest.fixture
def study(tmp_path):
    return report_study.build(
        tmp_path, labels=(HOSTILE, "ant"), classes=[CLOSING, HOSTILE, "鳥" * 120],
        notes=["Drawn images.", HOSTILE], protocols={"corrected": "what it does."},
        question="Which is best?",
    )  # fmt: skip


@pytest.fixture
def page(study, tmp_path):
    write_report(tmp_path / "report.html", **study)
    return Page((tmp_path / "report.html").read_text())


def test_page_asks_no_other_address(page, tmp_path):
    for name, value in page.attributes:
        if name in ("src", "href", "srcset", "data", "action"):
            assert value.startswith(("data:", "#"))
        if name == "href" and value.startswith("#"):
            assert value[1:] in page.ids
        if name == "popovertarget":
            assert value in page.ids
    text = (tmp_path / "report.html").read_text()
    assert not re.search(r"url\(|@import|https?://|\bfetch\(", text)
    assert len(page.ids) == len(set(page.ids))


def test_hostile_names_stay_text(page, tmp_path):
    assert page.tags.count("script") == 1 + 2  # the page's own, and the counts of two variants
    assert page.tags.count("b") == 0
    assert HOSTILE in page.text and CLOSING in page.text
    text = (tmp_path / "report.html").read_text()
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text)
    assert all(json.loads(one)["names"][0] == CLOSING for one in found)


def test_page_is_well_formed_and_fits_a_phone(page):
    assert page.open == []
    assert any(name == "name" and value == "viewport" for name, value in page.attributes)
    assert all(value for name, value in page.attributes if name == "alt")


def test_page_answers_first_and_says_where_its_numbers_come_from(page, study):
    parts = [
        "A study", "Which is best?", "The answer", study["differences"]["conclusion"][0],
        "All variants", "Drawn images.", "Paired differences", "Results", "Pareto front",
        "Settings", "Learning curves", "Class by class", "What is taken for what",
        "Certain, and wrong", "Calibration", "Data", "How it was done",
        "hours of training in all, at most 101 MiB, 1 thread", "git commit unknown",
        "what it does.",
    ]  # fmt: skip
    text = " ".join(page.text.split())
    start = text.find("The answer")  # names of sections are in the navigation, too
    places = [text.find(part, start if i > 2 else 0) for i, part in enumerate(parts)]
    assert -1 not in places, parts[places.index(-1)]
    for source in ("summary.csv", "comparisons.csv", "metrics.json", "predictions.h5", "shapes.h5"):
        assert source in text
    assert " nan" not in text.lower()


def test_with_one_seed_the_page_speaks_of_networks(tmp_path):
    write_report(tmp_path / "report.html", **report_study.build(tmp_path, seeds=(0,)))
    text = " ".join(Page((tmp_path / "report.html").read_text()).text.split())
    assert "speaks of one trained network, not of the variant" in text
    assert "of single networks (one seed), not of the variants" in text


def test_a_study_without_a_question_asks_that_of_its_comparisons(tmp_path):
    write_report(tmp_path / "report.html", **report_study.build(tmp_path))
    assert "What makes a difference? Plain or not." in (tmp_path / "report.html").read_text()


def test_same_bytes_twice(study, tmp_path):
    for name in ("one.html", "two.html"):
        write_report(tmp_path / name, **study)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_without_comparisons(study, tmp_path):
    write_report(tmp_path / "report.html", **study | {"differences": None})
    text = (tmp_path / "report.html").read_text()
    assert "Paired differences" not in text and "nothing is concluded here" in text


def test_missing_picture_is_named_and_the_old_page_stays(study, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, **study)
    before = path.read_bytes()
    study["spec"]["pictures"] = {"Learning curves": [("x", str(tmp_path / "gone.png"))]}
    with pytest.raises(UserError, match="gone.png"):
        write_report(path, **study)
    assert path.read_bytes() == before


def test_predictions_of_other_images_are_refused(study, tmp_path):
    data = study["data_files"]["shapes"]
    names = hdf5.read_attributes(data)["class_names"]
    report_study.write_data(data, names, 149)
    with pytest.raises(UserError, match="not those of the test images"):
        write_report(tmp_path / "report.html", **study)


def test_two_hundred_classes_stay_small(tmp_path):
    classes = [f"{i:03}.{'long_name_' * 5}{i}" for i in range(200)]
    study = report_study.build(tmp_path, ("one",), classes, images=1000, seeds=(0,))
    write_report(tmp_path / "report.html", **study)
    assert (tmp_path / "report.html").stat().st_size < 1e6


def test_many_numbers_are_rounded_only_where_they_are_shown(page):
    values = [value for name, value in page.attributes if name == "data-value"]
    exact = [value for value in values if re.fullmatch(r"\d\.\d+", value)]
    assert np.mean([len(value) > 8 for value in exact]) > 0.3
