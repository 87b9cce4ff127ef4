"""Names of classes in pictures and on the page: readable, short, and each of its own."""

import numpy as np
import report_study
from PIL import Image

from convstudy.report import class_names, confusion, examples, results
from convstudy.report.plots import samples, texts

DOTTED = [
    "v1.0", "v1.1", "001.finch", "002.finch", "St. Bernard", "3.5mm_jack", "2.5mm_jack", "a_b",
    "a b", "003.Yellow_headed_Finch",
]  # fmt: skip
LONG = ["a" * 200, "a" * 199 + "b", "a" * 100 + "c" + "a" * 99, "a" * 16 + " one", "b"]


def test_a_number_and_bars_are_left_out_where_the_names_stay_apart():
    assert class_names.readable(DOTTED) == [
        "v1.0", "v1.1", "001.finch", "002.finch", "St. Bernard", "3.5mm jack", "2.5mm jack", "a_b",
        "a b", "Yellow headed Finch",
    ]  # fmt: skip
    three = ["001.finch", "finch", "fin_ch"]
    assert class_names.readable(three) == ["001.finch", "finch", "fin ch"]
    assert class_names.readable(["001.鳥", "002.犬"]) == ["鳥", "犬"]


def test_long_names_are_cut_and_stay_apart():
    for cut in (texts.distinct(LONG, 26), confusion._cut_apart(LONG)):
        assert len(set(cut)) == len(LONG)
        assert max(map(len, cut)) <= 26
        assert cut[-1] == "b"


def test_the_matrix_and_the_mistakes_of_the_page_tell_the_classes_apart(tmp_path):
    study = report_study.build(tmp_path, ("Plain",), DOTTED)
    (result,) = results.load(study["spec"]["rows"], study["frame"], study["runs"])
    drawn = str(confusion.drawing(result, confusion.counts_of(result.predictions())))
    for name in class_names.readable(DOTTED):
        assert drawn.count(f">{name if len(name) < 17 else name[:16] + '…'}</text>") == 2
    pictures = examples.Pictures(study["data_files"][report_study.DATASET])
    for one in examples.certain_mistakes(result, pictures, result.predictions()[0]):
        assert one.true != one.predicted and {one.true, one.predicted} <= {*result.readable_names}


def test_grey_images_are_shown(tmp_path):
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    assert examples.address(grey).startswith("data:image/png;base64,")
    mosaic, _ = samples._mosaic(grey[None], [1], 1)
    assert np.array_equal(mosaic[:8, :8], np.repeat(grey, 3, axis=2))
    assert Image.fromarray(mosaic).mode == "RGB"
