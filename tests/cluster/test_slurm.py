"""Studies on a real Slurm of three nodes: equal results, and jobs that end badly."""

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import costs
import projects
import pytest
from cluster_run import SINGLY, Run

RUN = "results/runs/{}/seed0/metrics.json"
WHITENED = RUN.format("tiny_objects/base_net_whiten")
HEAD = RUN.format("tiny_birds/features_one_layer")
# Trainings that last long enough to be disturbed.
LONG = """
study: long
studies:
  long:
    seeds: [0]
    tasks: {objects: {dataset: tiny_objects}}
    variants: [%s]
    comparisons: []
variants:
"""
VARIANT = """\
  {}:
    {{task: objects, model: base_net, generator: none, training: {{epochs: {}, patience: null}}}}
"""
LOG = "train_model/tiny_objects/{}/seed0"


def lengthen(project, **epochs: int) -> list[str]:
    """Give the project a study of these trainings; the files that show them done."""
    text = (project.folder / "tiny.yaml").read_text()
    blocks = "".join(VARIANT.format(name, n) for name, n in epochs.items())
    study = LONG % ", ".join(epochs) + blocks + text[text.index("datasets:") :]
    (project.folder / "tiny.yaml").write_text(study)
    return [f"results/runs/tiny_objects/{x}/seed0/run.json" for x in epochs]


def until(holds: Callable[[], object], run: Run, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end and (run.process.poll() or 0) <= 0, run.said()
        time.sleep(0.3)


def jobs(cluster, *columns: str) -> list[list[str]]:
    told = cluster.said("sacct", "-X", "-n", "-P", "-S", "now-1hour", "-o", ",".join(columns))
    return [line.split("|") for line in told.splitlines()]


def number_of(cluster, variant: str) -> str:
    """Slurm's number of the job that trains a variant now; empty if there is none."""
    told = cluster.said("squeue", "-h", "-t", "running", "-o", "%i %k") or ""
    found = [line.split()[0] for line in told.splitlines() if variant in line]
    return found[-1] if found else ""


def node_of(cluster, number: str) -> str:
    return cluster.said("squeue", "-h", "-j", number, "-o", "%N").strip()


def content(path: Path) -> bytes:
    """What a file says, without what it cost."""
    if path.suffix != ".json":
        return path.read_bytes()
    return json.dumps(costs.without(json.loads(path.read_text()))).encode()


def test_a_study_has_the_same_bytes_as_without_a_cluster(cluster, project, built):
    status, said = project.run(WHITENED, HEAD)
    assert status == 0, said
    made = [x for x in project.folder.glob("results/**/*") if x.is_file() and "logs" not in x.parts]
    made = [x.relative_to(project.folder) for x in made if ".convstudy" not in x.parts]
    assert len(made) >= 13
    for path in made:
        assert content(project.folder / path) == content(built / path), path
    known = jobs(cluster, "state", "nodelist", "workdir", "jobname")
    done = [x for x in known if x[2] == str(project.folder) and x[3] != "sh"]
    # all but those of a head, and a training with its evaluation, are a job each
    assert [x[0] for x in done] == ["COMPLETED"] * 10
    assert len({x[1] for x in done}) > 1, "on one node alone"


def test_what_ends_badly_is_tried_again_and_trainings_go_on_from_their_epoch(cluster, prepared):
    epochs = {"over_time": 200, "out_of_memory": 10, "cancelled": 200, "on_a_lost_node": 400}
    targets = lengthen(prepared, **epochs)
    first = "wildcards.variant == '{}' and attempt == 1"
    needs = (
        *("--set-threads", "train_model=2"),  # a node each
        "--set-resources",
        f"train_model:runtime=1 if {first.format('over_time')} else 10",
        f"train_model:mem_mb=500 if {first.format('out_of_memory')} else 1400",
        *SINGLY,
    )
    disturb = {
        "over_time": lambda number: cluster.send(number, signal.SIGSTOP),  # hangs until its limit
        "cancelled": lambda number: cluster.call("scancel", number),
        "on_a_lost_node": lambda number: cluster.kill(node_of(cluster, number)),
    }

    def are_disturbed() -> bool:
        for variant in [x for x in disturb if trains(cluster, prepared, x)]:
            disturb.pop(variant)(number_of(cluster, variant))
        return not disturb

    run = prepared.start(*targets, options=needs)
    try:
        until(are_disturbed, run, 480)
        status, said = run.end(600)
    finally:
        run.kill()
    assert status == 0, said
    ends = {
        "over_time": "ran longer than its time limit",
        "cancelled": "was cancelled",
        "on_a_lost_node": "lost its node",
        "out_of_memory": "ran out of memory",
    }
    for variant, how in ends.items():
        told = rf"FAILED Training {variant} .*\(Slurm job \d+ {how}.*; it is tried again"
        assert re.search(told, said), said
        history = prepared.folder / f"results/runs/tiny_objects/{variant}/seed0/history.csv"
        assert len(history.read_text().splitlines()) == epochs[variant] + 1
        if variant != "out_of_memory":
            assert "continuing after epoch" in prepared.log(LOG.format(variant)), variant


@pytest.mark.parametrize(
    "daemon, asked, said",
    [
        ("slurmdbd", "sacct", "sacct does not answer"),
        ("slurmctld", "squeue", "Slurm does not say how the 1 jobs are"),
    ],
)
def test_a_run_outlives_a_daemon_that_is_away(cluster, prepared, daemon, asked, said):
    run = prepared.start(
        *lengthen(prepared, long=200), "--slurm-status-command", asked, options=SINGLY
    )
    try:
        until(lambda: trains(cluster, prepared, "long"), run)
        cluster.kill(daemon)
        until(lambda: said in run.said(), run)
        cluster.start(daemon)
        status, told = run.end()
    finally:
        run.kill()
    assert status == 0 and "FAILED" not in told, told
    assert asked == "sacct" or "Slurm answers again" in told


def test_a_second_run_is_refused_while_jobs_of_a_killed_one_work(cluster, prepared):
    targets = lengthen(prepared, long=300)
    first = prepared.start(*targets, options=SINGLY)
    try:
        until(lambda: trains(cluster, prepared, "long"), first)
    finally:
        first.kill()
    number = number_of(cluster, "long")
    projects.snakemake(prepared.folder, "--unlock")
    status, said = prepared.run(*targets, options=SINGLY)
    assert status == 1
    assert f"jobs of another run still wait or work in this folder (Slurm job {number})" in said
    (command,) = re.findall(r"scancel --name=[\w-]+", said)
    cluster.call(*command.split())
    until(lambda: not cluster.said("squeue", "-h"), first)
    status, said = prepared.run(*targets, options=SINGLY)
    assert status == 0, said
    assert "continuing after epoch" in prepared.log(LOG.format("long"))


def trains(cluster, project, variant: str) -> bool:
    """Whether a job trains a variant, past its second epoch."""
    log = project.log(LOG.format(variant))
    return " epoch 3/" in log and number_of(cluster, variant) != ""
