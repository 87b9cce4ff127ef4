"""Results in a bucket: the same bytes, the same staleness, and refusals in one sentence."""

import re
from importlib import util

import projects
import pytest

ARCHIVE, DATA = "results/demo/objects.tar.gz", "results/data/tiny_objects.h5"
RUN = "results/runs/tiny_objects/base_net_normalize/seed0/metrics.json"
DOWN = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}


def stale(project) -> list[str]:
    """The messages of the jobs that a run would do."""
    status, said = project.run("-n", RUN)
    assert status == 0, said
    return re.findall(r"^Job \d+: (.*)$", said, re.M)


def test_results_in_a_bucket_are_the_same_and_an_edit_costs_what_it_must(in_bucket, built):
    status, said = in_bucket.run(RUN)
    assert status == 0, said
    assert "Done: 6 steps (6 from the cache)" in said
    for path in (DATA, RUN):
        in_bucket.server.client("get", f"{in_bucket.root}/{path}", in_bucket.folder / "copy")
        assert (in_bucket.folder / "copy").read_bytes() == (built / path).read_bytes()

    other = in_bucket.elsewhere("another_machine")
    assert stale(other) == []
    model = other.folder / "scripts/convstudy/models/base_net.py"
    projects.edit(model, "def build(", "# a comment\ndef build(")
    assert stale(other) == []
    projects.edit(model, "Dense(50", "Dense(51")
    assert sorted(x.split()[0] for x in stale(other)) == ["Evaluating", "Initial", "Training"]
    assert not (other.folder / DATA).exists()  # only records were fetched


def test_a_data_set_in_shards_is_the_same_in_a_bucket(in_bucket, built):
    archive = "files: {archive: results/demo/objects.tar.gz}"
    projects.edit(in_bucket.folder / "tiny.yaml", archive, f"{archive}\n    shards: 2")
    status, said = in_bucket.run(DATA)
    assert status == 0, said
    in_bucket.server.client("get", f"{in_bucket.root}/{DATA}", in_bucket.folder / "copy")
    assert (in_bucket.folder / "copy").read_bytes() == (built / DATA).read_bytes()
    other = in_bucket.elsewhere("another_machine")
    assert "Nothing to be done" in other.run("-n", DATA)[1]


@pytest.mark.parametrize(
    "user, root, changes, expected",
    [
        ("nobody", None, {}, "the bucket refuses to be read (InvalidAccessKeyId): use other"),
        (None, None, {}, "there are no credentials for this bucket: set AWS_ACCESS_KEY_ID"),
        ("owner", "s3://absent/study", {}, "there is no bucket 'absent': create it"),
        ("owner", None, DOWN, "http://127.0.0.1:9 does not answer: start the server"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_one_sentence(in_bucket, user, root, changes, expected):
    status, said = in_bucket.run(ARCHIVE, user=user, results_in=root, **changes)
    assert status == 1
    (error,) = said.strip().splitlines()[1:]  # the first names the profile
    assert error.startswith(f"error: {root or in_bucket.root}: {expected}")
    assert not (in_bucket.folder / "results").exists()


def test_a_bucket_that_refuses_writing_costs_that_step(in_bucket):
    status, said = in_bucket.run(ARCHIVE, user="reader")
    assert status == 1
    (error,) = [line for line in said.splitlines() if "rror" in line]
    assert error.startswith(
        f"error: {in_bucket.root}: the bucket refuses to be written (AccessDenied): use other"
    )
    status, said = in_bucket.run(ARCHIVE)
    assert status == 0, said
    assert "Done: 1 step (1 from the cache)" in said


def test_what_a_step_did_not_leave_in_the_bucket_is_refused(in_bucket):
    assert in_bucket.run(ARCHIVE)[0] == 0
    foreign = in_bucket.folder / "foreign"
    foreign.write_text("something else")
    in_bucket.server.client("put", foreign, f"{in_bucket.root}/{ARCHIVE}")
    other = in_bucket.elsewhere("another_machine")
    status, said = other.run(DATA)
    assert status == 1
    assert f"error: {ARCHIVE} is not the file that draw_objects left there" in said


@pytest.mark.skipif(
    util.find_spec("snakemake_storage_plugin_s3") is not None, reason="the plug-in is installed"
)
def test_an_address_without_the_plugin_says_what_to_install(tmp_path):
    projects.put_sources(tmp_path)
    projects.edit(tmp_path / "tiny.yaml", "results/demo/objects.tar.gz", "s3://study/objects.tgz")
    done = projects.snakemake(tmp_path, "-n", DATA)
    assert done.returncode == 1
    needed = "s3://study/objects.tgz: files in a bucket need snakemake-storage-plugin-s3: pip inst"
    assert needed in done.stdout + done.stderr
