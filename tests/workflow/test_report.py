"""The report of a study that has really run, made by its rule."""

import browser
import projects
import pytest


@pytest.fixture(scope="module")
def report(project):
    run = projects.snakemake(project, "results/report.html")
    assert run.returncode == 0, run.stdout + run.stderr
    return project / "results/report.html"


def test_report_holds_what_the_runs_left(report):
    text = report.read_text()
    for piece in (
        "Two generators",
        "tiny_objects",
        "test_per_class_accuracy",
        "training.learning_rate",
        "results/runs/tiny_birds/features_one_layer/seed0/predictions.h5",
        "data:image/png;base64,",
    ):
        assert piece in text
    assert " nan" not in text.lower()


@pytest.mark.skipif(bool(browser.why_not()), reason=str(browser.why_not()))
def test_report_is_whole_in_a_browser(report):
    with browser.tab() as tab:
        for width in (1300, 400):
            tab.open(report, width)
            assert tab.complaints == []
            assert tab.run("document.documentElement.scrollWidth") <= width
            broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
            assert tab.run(broken) == 0


def test_an_edit_of_the_page_makes_the_report_stale_and_nothing_else(report, project):
    projects.edit(
        project / "scripts/convstudy/report/page_files/page.css", "margin: 0;", "margin:0;"
    )
    done = projects.snakemake(project, "-n", "results/report.html")
    assert "write_report" in done.stdout and "plot_" not in done.stdout.split("Job stats")[1]
