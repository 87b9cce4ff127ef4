"""The page of a study with folds: what is pooled, in which order, and what it says."""

import base64
import io
import re

import numpy as np
import pytest
import report_study
import run_files
from PIL import Image
from scipy import special

from convstudy.data import facts, folds, hdf5
from convstudy.report import data_facts, examples, page, per_class, results
from convstudy.statistics import aggregate, paired_tests

NAMES = ["red", "green", "blue"]
FOLDS, IMAGES, SEEDS = 3, 45, (0, 1)


@pytest.fixture
def study(tmp_path):
    """Arguments of `page.write_report`: two variants, three folds, two seeds.

    The grey of an image is its number in the data set.
    """
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(IMAGES, dtype=np.int32) % len(NAMES))
    tests_in = rng.permutation(np.arange(IMAGES) % FOLDS)
    parts = np.where(tests_in[:, None] == np.arange(FOLDS), 2, 0).astype(np.int8)
    data = tmp_path / "data/shapes.h5"
    about = {"class_names": NAMES, "image_size": [8, 8], "reader": "x", "folds": FOLDS}
    with hdf5.create_hdf5(data, about) as file:
        group = hdf5.create_group(file, hdf5.POOL)
        grey = np.arange(IMAGES, dtype=np.uint8)[:, None, None, None]
        hdf5.write_array(group, "images", np.broadcast_to(grey, (IMAGES, 8, 8, 3)))
        hdf5.write_array(group, "labels", labels)
        hdf5.write_names(group, "names", [f"{i}.png" for i in range(IMAGES)])
        hdf5.write_array(group, "parts", parts)
    rows = [report_study.row(f"v{x}", f"Net {x}", x) | {"folds": FOLDS} for x in (0, 1)]
    runs = []
    for row in rows:
        for seed in SEEDS:
            for fold in range(FOLDS):
                truth = labels[tests_in == fold]
                logits = rng.normal(size=(len(truth), 3)) + 1.5 * np.eye(3)[truth]
                where = tmp_path / f"runs/shapes-fold{fold}/{row['variant']}"
                told = special.softmax(logits, axis=1).astype(np.float32)
                runs.append(
                    run_files.write_predicted(
                        where, row["variant"], seed, told, truth, class_names=NAMES
                    )
                )
    comparison = {"name": "c", "title": "Which", "variants": ["v0", "v1"]}
    return {
        "spec": {
            "study": {"name": "small", "title": "A study"},
            "rows": rows,
            "comparisons": [comparison],
            "pictures": {},
        },
        "frame": aggregate.summarize(rows, runs),
        "differences": paired_tests.compare([comparison], rows, runs),
        "runs": runs,
        "data_files": {"shapes": data},
        "data": {"shapes": facts_of(labels, parts)},
    }


def facts_of(labels, parts):
    classes = facts.classes_of_folds(NAMES, labels, parts)
    return report_study.facts_of(NAMES, IMAGES) | {"classes": classes, "notes": ["3 folds; so."]}


def loaded(study):
    return results.load(study["spec"]["rows"], study["frame"], study["runs"])


def test_a_result_pools_the_test_images_of_its_folds(study):
    result = loaded(study)[0]
    assert (result.folds, result.counted) == (3, "3 folds x 2 seeds")
    predictions = result.predictions()
    labels = hdf5.read_subset(study["data_files"]["shapes"], hdf5.POOL, ("labels",))[0]
    order = folds.order(study["data_files"]["shapes"])
    assert len(predictions) == 2
    for _, truth in predictions:
        assert np.array_equal(truth, labels[order])
    assert [result.origin(row)[1] for row in (0, 14, 15, 44)] == [0, 14, 0, 14]
    assert "shapes-fold1/v0/seed0/" in result.origin(15)[0]


def test_figures_of_a_class_are_of_all_folds_together(study):
    result = loaded(study)[0]
    grid = per_class.grid(result)
    assert [row[1].text for row in grid.rows] == ["15", "15", "15"]
    expected = []
    for probabilities, labels in result.predictions():
        of_class = labels == 0
        expected.append((probabilities.argmax(axis=1)[of_class] == 0).mean())
    assert float(grid.rows[0][3].value) == pytest.approx(np.mean(expected))
    areas = [run["test_per_class_roc_auc"][0] for run in result.metrics]
    assert float(grid.rows[0][5].value) == pytest.approx(np.mean(areas))


def test_pictures_are_those_of_the_predictions(study):
    result = loaded(study)[0]
    pictures = examples.Pictures(study["data_files"]["shapes"])
    pictures.check(result, result.predictions()[0][1])
    for example in examples.certain_mistakes(result, pictures, result.predictions()[0]):
        png = base64.b64decode(example.picture.split(",")[1])
        assert f"{Image.open(io.BytesIO(png)).getpixel((0, 0))[0]}.png" == example.name
        probabilities, labels = hdf5.read_predictions(example.source)
        assert probabilities[example.row].max() == pytest.approx(example.confidence)
        assert NAMES[labels[example.row]] == example.true


def test_the_page_says_that_there_are_folds(study, tmp_path):
    page.write_report(tmp_path / "report.html", **study)
    text = (tmp_path / "report.html").read_text()
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    for words in (
        "shapes, 3 folds x 2 seeds",
        "each of the 45 images tests once a seed",
        "Paired by 3 folds and their 45 images",
        "over 3 folds (approximate)",
        "Bengio and Grandvalet 2004",
        "3 folds: of one on average, and of all together",
    ):
        assert words in said, words


def test_the_table_of_data_sets_counts_a_fold_on_average_and_all_that_test(study):
    grid = data_facts.grid(study["data"])
    (row,) = grid.rows
    assert [cell.text for cell in row[2:5]] == ["30", "0", "45"]
    assert "shapes: 3 folds; so." in grid.notes
