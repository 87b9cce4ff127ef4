"""Data that the user gives by an address in a bucket."""

import h5py
import pytest
import reader_fixtures as fx

TARGET = "results/data/given.h5"
STUDY = """
datasets:
  given: {reader: image_folder, files: {images: s3://study/given/pictures}, image_size: [16, 16]}
"""


@pytest.fixture
def given(in_bucket):
    """A project that reads a folder of the bucket; its results are here."""
    text = (in_bucket.folder / "tiny.yaml").read_text()
    added = STUDY.replace("datasets:\n", "").replace("s3://study/given", in_bucket.root)
    (in_bucket.folder / "tiny.yaml").write_text(
        text.replace("study: tiny\n", "study: given\n", 1)
        .replace("datasets:\n", f"datasets:\n{added.strip(chr(10))}\n")
        .replace(
            "studies:\n",
            "studies:\n  given: {tasks: {objects: {dataset: given}, "
            "birds: {dataset: tiny_birds, backbone: resnet50_random}}, "
            "variants: [base_net]}\n",
        )
    )
    for number in range(16):
        part = "train" if number < 12 else "test"
        put(in_bucket, f"{part}/{'ab'[number % 2]}/{number:02d}.bmp", number)
    return in_bucket


def put(project, name: str, seed: int) -> None:
    file = project.folder / "picture"
    file.write_bytes(fx.encoded(fx.picture(seed), "BMP"))
    project.server.client("put", file, f"{project.root}/pictures/{name}")


def is_stale(project) -> bool:
    status, said = project.run("-n", TARGET, results_in="here")
    assert status == 0, said
    return "Nothing to be done" not in said


def test_what_is_in_a_bucket_is_compared_by_content(given):
    status, said = given.run(TARGET, results_in="here")
    assert status == 0, said
    assert not list((given.folder / ".snakemake/storage").rglob("*.bmp"))  # no copy stays
    assert not is_stale(given)
    put(given, "train/a/00.bmp", 0)  # the same bytes at another time
    assert not is_stale(given)
    put(given, "train/a/00.bmp", 99)
    assert is_stale(given)
    put(given, "train/a/00.bmp", 0)
    given.server.client("remove", f"{given.root}/pictures/train/a/02.bmp")
    assert is_stale(given)
    assert given.run(TARGET, results_in="here")[0] == 0
    with h5py.File(given.folder / TARGET) as file:
        assert len(file["train/labels"]) + len(file["validation/labels"]) == 11


def test_an_address_with_nothing_there_is_one_sentence(given):
    for path in given.server.client("list", f"{given.root}/pictures").split():
        given.server.client("remove", f"s3://study/{path}")
    status, said = given.run(TARGET, results_in="here")
    assert status == 1
    assert f"there is no file or folder '{given.root}/pictures', and it has to be read" in said


def test_a_bucket_that_refuses_to_be_read_is_one_sentence(given):
    status, said = given.run(TARGET, user="nobody", results_in="here")
    assert status == 1
    (error,) = said.strip().splitlines()[1:]  # the first names the profile
    assert error.startswith(f"error: {given.root}/pictures: the bucket refuses to be read (")
