"""Jobs on Kubernetes, by an API of one file that runs each in an empty folder here."""

import json
import shutil
import subprocess

import kubernetes_api
import projects
import pytest

ARCHIVE, DATA = "results/demo/objects.tar.gz", "results/data/tiny_objects.h5"
VALIDATE = """
import json, sys, kubernetes_validate
for manifest in json.load(sys.stdin):
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
"""


@pytest.fixture
def api(server, tmp_path):
    (tmp_path / "cluster").mkdir()
    with kubernetes_api.serve(tmp_path / "cluster", server.python) as found:
        yield found


def run(project, *arguments: str, kubeconfig: object = "/dev/null", **changes: str):
    """Run the study's steps there; the bucket's address goes to the jobs as a secret."""
    where = ("--workflow-profile", "kubernetes", "--default-storage-prefix", project.root)
    quick = ("--seconds-between-status-checks", "1", "--retries", "0")
    quick += ("--directory", str(project.folder))  # as `convstudy run` does
    changes |= {"SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": project.server.address}
    changes |= {"KUBECONFIG": str(kubeconfig)}
    return project.run(*arguments, *where, *quick, results_in="here", **changes)


def test_a_study_runs_in_empty_folders_with_the_same_bytes(in_bucket, built, api):
    status, said = run(in_bucket, DATA, kubeconfig=api.kubeconfig)
    assert status == 0, said + api.log()
    assert len(api.jobs) == 2
    in_bucket.server.client("get", f"{in_bucket.root}/{DATA}", in_bucket.folder / "copy")
    assert (in_bucket.folder / "copy").read_bytes() == (built / DATA).read_bytes()
    status, said = run(in_bucket, "-n", DATA, kubeconfig=api.kubeconfig)
    assert "Nothing to be done" in said

    manifests = [*api.jobs.values(), *api.secrets.values()]
    for kind, manifest in zip(("Job", "Job", "Secret"), manifests, strict=True):
        manifest |= {"kind": kind, "apiVersion": "batch/v1" if kind == "Job" else "v1"}
    validated = subprocess.run(
        [in_bucket.server.python, "-c", VALIDATE],
        input=json.dumps(manifests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert validated.returncode == 0, validated.stderr
    for job in api.jobs.values():
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["image"].endswith("/convstudy:0.1.0")
        assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}
        assert str(in_bucket.folder) not in container["args"][1]
        assert "pip install" not in container["args"][1]  # the image has all
        secret = {x["name"] for x in container["env"] if x["valueFrom"]["secretKeyRef"]}
        assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} < secret
    assert "secret of owner" not in json.dumps([*api.jobs.values()])


def test_a_job_that_fails_says_why(in_bucket, api):
    bad = in_bucket.folder / "bad.tgz"
    bad.write_text("no archive")
    address = f"{in_bucket.root}/bad.tgz"
    in_bucket.server.client("put", bad, address)
    projects.edit(in_bucket.folder / "tiny.yaml", "results/demo/objects.tar.gz", address)
    status, said = run(in_bucket, DATA, kubeconfig=api.kubeconfig)
    assert status == 1
    assert "bad.tgz: " in said.splitlines()[-1], said + api.log()


@pytest.mark.parametrize(
    "kubeconfig, expected",
    [
        ("missing", "no Kubernetes cluster is set up here"),
        ("down", "Kubernetes does not answer at http://127.0.0.1:9: nothing was submitted"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_sentence(in_bucket, tmp_path, kubeconfig, expected):
    (tmp_path / "down").write_text(kubernetes_api.KUBECONFIG.format(port=9))
    status, said = run(in_bucket, ARCHIVE, kubeconfig=tmp_path / kubeconfig)
    assert status == 1
    assert said.strip().splitlines()[-1].startswith(f"error: {expected}"), said


def test_a_step_that_reads_data_of_this_machine_is_run_here(in_bucket, built, api):
    projects.edit(in_bucket.folder / "tiny.yaml", "results/demo/objects.tar.gz", "objects.tgz")
    shutil.copy(built / ARCHIVE, in_bucket.folder / "objects.tgz")
    status, said = run(in_bucket, DATA, kubeconfig=api.kubeconfig)
    assert status == 0, said
    assert not api.jobs
    assert in_bucket.server.client("list", f"{in_bucket.root}/{DATA}").strip()
    assert (in_bucket.folder / "objects.tgz").exists()


def test_the_image_is_that_of_the_requirements(server):
    file = projects.ROOT / "envs/Containerfile"
    copied = next(x for x in file.read_text().splitlines() if x.startswith("COPY ")).split()[1:-1]
    assert all((projects.ROOT / name).is_file() for name in copied)
    checked = subprocess.run(
        [server.python.parent / "hadolint", "--no-color", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
