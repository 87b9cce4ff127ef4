"""What jobs ask a cluster for."""

import functools

import pytest

from convstudy.study import job_sizes


@pytest.fixture
def ten_megabytes(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/part").write_bytes(bytes(4_000_000))
    (tmp_path / "file").write_bytes(bytes(6_000_000))
    return [str(tmp_path / "folder"), str(tmp_path / "file")]


def test_files_and_folders_are_counted(ten_megabytes):
    assert job_sizes.megabytes(ten_megabytes) == 10


@pytest.mark.parametrize("step", job_sizes.STEPS)
def test_more_data_and_further_attempts_ask_for_more(step, ten_megabytes):
    memory = functools.partial(job_sizes.memory_mb, data_mb=1000)
    for ask in (memory, job_sizes.minutes):
        first, nothing = ask(step, ten_megabytes, 1), ask(step, [], 1)
        assert isinstance(first, int) and first >= nothing > 0
        assert ask(step, ten_megabytes, 3) == 3 * first


@pytest.mark.parametrize("step", job_sizes.STEPS)
def test_no_data_make_a_job_ask_for_more_than_it_may_hold(step, ten_megabytes):
    nothing = job_sizes.memory_mb(step, [], 1, data_mb=100)
    most = job_sizes.memory_mb(step, ten_megabytes * 1000, 1, data_mb=100)
    assert most <= nothing + 100 + job_sizes.STEPS[step].work


def test_a_training_asks_for_the_time_of_its_epochs(ten_megabytes):
    once, often = (job_sizes.minutes("train images", ten_megabytes, 1, n) for n in (1, 301))
    assert often - once == pytest.approx(300 * 10 / job_sizes.STEPS["train images"].rate, abs=1)


def test_a_file_that_is_not_made_yet_is_an_answer_for_snakemake():
    with pytest.raises(FileNotFoundError):
        job_sizes.memory_mb("prepare_data", ["nowhere"], 1, 1000)


@pytest.mark.parametrize(
    "generator, takes, step",
    [
        ("none", "images", "train images"),
        ("whiten", "images", "train whitened images"),
        (None, "features", "train features"),
        ("normalize", "backbone", "train backbone"),
    ],
)
def test_every_run_is_of_a_known_step(generator, takes, step):
    run = {"generator": generator and {"kind": generator}, "input": takes, "solver": {}}
    assert job_sizes.of_run("train", run) == step and step in job_sizes.STEPS
    assert job_sizes.of_run("evaluate", run) in job_sizes.STEPS


def test_a_solved_head_asks_for_its_iterations_and_not_for_epochs(tmp_path):
    run = {"generator": None, "input": "features", "solver": {"solver": {}}, "training": {}}
    step = job_sizes.of_run("train", run)
    assert step == "solve features" and step in job_sizes.STEPS
    trained = run | {"solver": {}, "training": {"epochs": 7}}
    assert job_sizes.passes(trained) == 7
    vectors = tmp_path / "vectors"
    vectors.write_bytes(bytes(100_000_000))
    # float64 beside float32, and hundreds of iterations that are faster than epochs
    train = job_sizes.of_run("train", trained)
    assert job_sizes.memory_mb(step, [vectors], 1, 1000) > job_sizes.memory_mb(
        train, [vectors], 1, 1000
    )
    assert 20 <= job_sizes.minutes(step, [vectors], 1, job_sizes.passes(run)) <= 60
