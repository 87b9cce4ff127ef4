"""What the summary and the page say of a data set."""

import numpy as np
import pytest
import reader_fixtures as fx
import report_study
from PIL import Image
from run_files import variant, write_predicted

from convstudy.report import data_notes, summary
from convstudy.report.page import write_report
from convstudy.statistics import aggregate


def flat(colour):
    return fx.encoded(Image.new("RGB", (24, 20), colour))


def facts_of(folder, content, **settings):
    files = {"images": fx.write_files(folder / "data", content)}
    return fx.prepared("image_folder", files, folder, **settings)["facts"]


def written(folder, data):
    """summary.md and the text of report.html of a small study on a data set with these facts."""
    study = report_study.build(folder / "study")
    study["data"] = {report_study.DATASET: data}
    write_report(folder / "report.html", **study)
    paths = (folder / "summary.csv", folder / "summary.md")
    rows, about = study["spec"]["rows"], study["spec"]["study"]
    summary.write_summary(study["frame"], rows, *paths, about, {}, None, study["data"])
    page = (folder / "report.html").read_text().replace("&#39;", "'")
    return paths[1].read_text(), page


def test_both_pages_tell_of_classes_that_are_rare(tmp_path):
    content = {f"common/{i}.png": flat((40, i, 200)) for i in range(100)}
    content |= {f"rare/{i}.png": flat((200, 200, i)) for i in range(5)}
    for text in written(tmp_path, facts_of(tmp_path, content)):
        assert "shapes: common has 72 training images and rare 3." in text
        assert "shapes: fewer than 10 test images of rare (1)" in text
        assert "shapes: its originals: 24 x 20 pixels; modes: RGB; formats: PNG." in text
        assert "results/data/shapes.csv" in text and "3 to 72" in text


def test_both_pages_tell_what_is_left_out_and_assumed(tmp_path):
    content = {
        f"{name}/{i}.png": flat((k, 9 * i, 1)) for k, name in enumerate("ab") for i in range(20)
    }
    content |= {f"a/{i}.png": b"" for i in range(5)}
    data = facts_of(tmp_path, content, unreadable="skip", validation_fraction=0.5)
    data |= {
        "left_out": [[f"a/{i}.txt", "no image"] for i in range(7)] + [["b/x.tif", "a page"]],
        "notes": ["the folder val is taken for validation."],
        "groups": {"of_class": [4, 5], "all": 8},
    }
    for text in written(tmp_path, data):
        assert "shapes: 5 images are left out, as they cannot be read: a/" in text
        assert "shapes: 7 files are left out, no image: a/0.txt, a/1.txt, a/2.txt, 4 more." in text
        assert "shapes: 1 file is left out, a page: b/x.tif." in text
        assert "shapes: the folder val is taken for validation." in text
        assert "shapes: its images are of 8 groups." in text


def test_both_pages_warn_of_test_images_that_were_trained_on(tmp_path):
    train = {
        f"train/{x}/{i}.png": flat((99 * k, 9 * i, 1))
        for k, x in enumerate("ab")
        for i in range(10)
    }
    test = {name.replace("train", "test"): content for name, content in train.items()}
    test |= {
        f"test/{x}/new{i}.png": flat((99 * k, 9 * i, 3))
        for k, x in enumerate("ab")
        for i in range(10)
    }
    data = facts_of(tmp_path, train | test | {"train/b/odd.png": train["train/a/0.png"]})
    summary_page, report = written(tmp_path, data)
    for text in (summary_page, report):
        assert "shapes: 20 of 40 test images are equal to images that are trained or" in text
        assert "The test accuracy is too high for it; the accuracy without them stands" in text
        assert "shapes: 1 image is in copies of different classes (train/a/0.png = " in text
        assert "41 images are equal to another, in 20 groups: 20 in training and test" in text
        assert "results/data/shapes.duplicates.csv names the pairs." in text
    assert summary_page.index("> shapes: 20 of 40") < summary_page.index("## Results")
    data["duplicates"]["equal"]["test_images"] = 40
    assert "no test image is left without them" in data_notes.warnings({"d": data})[0]


def test_the_accuracy_without_leaked_images_stands_in_the_summary(tmp_path):
    truth = np.arange(40) % 4
    guess = np.where(np.arange(40) < 10, truth, np.where(np.arange(40) % 2, truth, (truth + 1) % 4))
    rows, runs = [variant("ant")], []
    for seed in (0, 1):
        probabilities = np.full((40, 4), 0.05, np.float32)
        probabilities[np.arange(40), guess] = 0.85
        runs.append(write_predicted(tmp_path / "shapes/ant", "ant", seed, probabilities, truth))
    column = "test_accuracy_without_duplicates_mean"
    frame = aggregate.summarize(rows, runs, {"shapes": list(range(10)), "other": [1]})
    assert frame[column][0] == pytest.approx(15 / 30)
    assert frame["test_accuracy_mean"][0] == pytest.approx(25 / 40)
    paths = tmp_path / "s.csv", tmp_path / "s.md"
    summary.write_summary(frame, rows, *paths, {"name": "s"}, {})
    text = paths[1].read_text()
    assert "without duplicates %" in text and "| 50.0 |" in text
    assert "Without duplicates is the accuracy on the test images that equal none" in text
    assert np.isnan(aggregate.summarize(rows, runs)[column][0])
    assert np.isnan(aggregate.summarize(rows, runs, {"shapes": list(range(40))})[column][0])
