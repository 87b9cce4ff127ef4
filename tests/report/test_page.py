"""The report: one page, whole by itself, and safe with hostile names."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas
import pytest

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report import tables
from convstudy.report.page import write_report
from convstudy.statistics import aggregate

HOSTILE = '<script>alert("x")</script> & "quoted"'
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


class Page(HTMLParser):
    """Collects tags, attributes and the text outside of styles."""

    VOID = {"meta", "link", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.ids, self.text, self.open = [], [], set(), "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids |= {value for name, value in attrs if name == "id"}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def row(name, **changes):
    texts = {"variant": name, "dataset": "shapes", "model": "small", "generator": "none"}
    row = dict.fromkeys(aggregate.COLUMNS, 0.5) | texts | {"protocol": "practical"}
    row |= {"sweep": None, "selected": True, "values": {}}
    row |= {"n_seeds": 2, "n_train": 900, "n_validation": 100, "n_test": 300, "parameters": 12345}
    return row | {"backbone": None, "versions": "keras 3.0, numpy 2.0", "threads": "1"} | changes


@pytest.fixture
def arguments(tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    (tmp_path / "b.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    runs = []
    for seed in (0, 1):
        runs.append(tmp_path / f"{seed}.json")
        provenance = {"git_commit": "abc123", "threads": 2, "versions": {}}
        content = {"seed": seed, "train_seconds": 1800.0, "train_peak_memory_mib": 512.0 + seed}
        atomic_files.write_json(runs[-1], content | {"provenance": provenance})
    frame = pandas.DataFrame([row(HOSTILE), row("ant", test_accuracy_std=np.nan, n_seeds=1)])
    reference = {"loss": 2.9, "accuracy": 0.35, "dataset": "cifar100_25"}
    variants = [
        {**row(name), "reference": reference, "description": f"About {name}."}
        for name in (HOSTILE, "ant")
    ]
    difference = {
        "comparison": "c", "title": "A title", "dataset": "shapes", "baseline": HOSTILE,
        "variant": "ant", "n_seeds": 2, "n_test": 300, "difference": 0.0123, "ci_low": -0.01,
        "ci_high": 0.034, "minimum_detectable_effect": 0.02, "mcnemar_seed": 0,
        "baseline_only_right": 10, "variant_only_right": 14, "mcnemar_p": 0.5,
        "mcnemar_p_holm": 0.00001,
    }  # fmt: skip
    return {
        "path": tmp_path / "report.html",
        "study": {
            "name": "demo",
            "title": "A study",
            "notes": ["Drawn images.", HOSTILE],
            "protocols": {"practical": "what it does."},
        },
        "frame": frame,
        "variants": variants,
        "differences": pandas.DataFrame([difference]),
        "metrics_paths": runs,
        "pictures": {
            "Curves": [(HOSTILE, tmp_path / "a.png")],
            "Matrices": [("svg", tmp_path / "b.svg")],
        },
    }


@pytest.fixture
def page(arguments):
    write_report(**arguments)
    return Page(arguments["path"].read_text())


def test_page_asks_no_other_address(page, arguments):
    for name, value in page.attributes:
        if name in ("src", "href", "srcset", "data", "action"):
            assert value.startswith(("data:", "#"))
        if name == "href" and value.startswith("#"):
            assert value[1:] in page.ids
    text = arguments["path"].read_text()
    assert not re.search(r"url\(|@import|https?://", text)
    assert page.attributes.count(("src", "data:image/png;base64," + PIXEL_TEXT)) == 1


PIXEL_TEXT = base64.b64encode(PIXEL).decode()


def test_hostile_names_stay_text(page, arguments):
    assert "script" not in page.tags
    assert HOSTILE in page.text
    assert ("alt", HOSTILE) in page.attributes
    assert "<script" not in arguments["path"].read_text()


def test_page_is_well_formed_and_fits_a_phone(page):
    assert page.open == []
    assert ("name", "viewport") in page.attributes
    assert page.tags.count("img") == 2
    assert all(value for name, value in page.attributes if name == "alt")


def test_page_holds_study_results_tests_and_checklist(page):
    for piece in (
        "A study",
        "Drawn images.",
        "published (on its own data)",
        "cifar100_25",
        "+1.23",
        "[-1.00, +3.40]",
        "< 0.0001",
        "12,345",
        "2 runs: 2 variants, seeds 0, 1",
        "Error bars",
        "Hyper-parameters",
        "1.00 hours of training in all, at most 513 MiB, 2 threads",
        "keras 3.0, numpy 2.0",
        "git commit abc123",
        "Protocol practical",
        "what it does.",
        "With one seed",
    ):
        assert piece in page.text
    assert "nan" not in page.text


def test_same_bytes_twice(arguments):
    write_report(**arguments)
    first = arguments["path"].read_bytes()
    write_report(**arguments)
    assert arguments["path"].read_bytes() == first


def test_without_comparisons(arguments):
    write_report(**arguments | {"differences": None})
    assert "Paired differences" not in arguments["path"].read_text()


def test_missing_picture_is_named_and_the_old_page_stays(arguments, tmp_path):
    write_report(**arguments)
    before = arguments["path"].read_bytes()
    arguments["pictures"] = {"Curves": [("x", tmp_path / "gone.png")]}
    with pytest.raises(UserError, match="gone.png"):
        write_report(**arguments)
    assert arguments["path"].read_bytes() == before


def test_a_table_says_when_library_versions_are_mixed(arguments):
    frame = arguments["frame"]
    (table,) = tables.summary_tables(frame, arguments["variants"])
    assert not [note for note in table.notes if "library versions" in note]
    frame.loc[0, "versions"] = "keras 3.1, numpy 2.0"
    (table,) = tables.summary_tables(frame, arguments["variants"])
    (note,) = [note for note in table.notes if "library versions" in note]
    assert "keras 3.1, numpy 2.0 / keras 3.0, numpy 2.0" in note


def test_a_table_says_when_threads_are_mixed_within_a_variant(arguments):
    frame = arguments["frame"]
    frame.loc[1, "threads"] = "2"
    (table,) = tables.summary_tables(frame, arguments["variants"])
    assert not [note for note in table.notes if "threads" in note]
    frame.loc[1, "threads"] = "1 | 2"
    (table,) = tables.summary_tables(frame, arguments["variants"])
    (note,) = [note for note in table.notes if "threads" in note]
    assert note.startswith("The seeds of ant were trained on")


def test_markdown_escapes_what_would_break_a_table():
    table = tables.Table("T", ["name", "x"], [["a|b <i>\nc", "1"]], ["a note"])
    text = tables.markdown(table)
    assert "| a\\|b &lt;i> c | 1 |" in text
    assert text.endswith("* a note")
