"""What a job costs beside its work: here, as a Slurm job of its own, and in a job with others.

    python tests/benchmarks/job_overhead.py

The steps of the heads of the tiny study come from the cache, so that nothing but the overhead is
left: of Snakemake and Python here, and on the cluster of this machine (tests/support) of Slurm and
of the Snakemake that is started for each job. Prints a table; ratios hold better than seconds.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import cluster_run
import projects
import slurm_cluster

HEADS = [
    f"results/runs/tiny_birds/{variant}/seed{seed}/metrics.json"
    for variant in ("features_one_layer", "rates__learning_rate_0p01", "rates__learning_rate_0p1")
    for seed in (0, 1)
]
MADE = ("results/runs", "results/initial_weights")
ROUNDS = 3
ROW = "{:24} {:>8} {:>7} {:>5} {:>12}"


def seconds(project: cluster_run.OnCluster, run) -> float:
    """The time of a run that takes all steps of the heads from the cache."""
    for folder in MADE:
        for path in (project.folder / folder).rglob("*"):
            if path.is_file() and "tiny_birds" in path.parts:
                path.unlink()
    start = time.perf_counter()
    status, said = run()
    assert status == 0 and "14 from the cache" in said, said
    return time.perf_counter() - start


def here(project: cluster_run.OnCluster) -> tuple[int, str]:
    done = projects.snakemake(project.folder, *HEADS)
    return done.returncode, done.stdout + done.stderr


def node_seconds(since: str) -> list[float]:
    """How long each job of Slurm's ran that has begun since then."""
    told = slurm_cluster.said("sacct", "-X", "-n", "-P", "-S", since, "-o", "ElapsedRaw")
    return [x for x in map(float, told.split()) if x > 1]  # without the look at a node


def measure(project: cluster_run.OnCluster, name: str, run) -> str:
    """A row of the table: medians of several rounds."""
    times, on_nodes = [], []
    for _ in range(ROUNDS):
        since = time.strftime("%Y-%m-%dT%H:%M:%S")
        times.append(seconds(project, run))
        on_nodes = node_seconds(since)
    middle = statistics.median(times)
    node = f"{statistics.median(on_nodes):.1f}" if on_nodes else ""
    return ROW.format(name, f"{middle:.1f}", f"{middle / 14:.2f}", len(on_nodes) or "", node)


def main() -> None:
    slurm_cluster.up()
    try:
        with tempfile.TemporaryDirectory() as folder:
            environment = Path(folder, "environment")
            python = cluster_run.environment(environment, "requirements-cluster.txt")
            project = cluster_run.OnCluster(Path(folder, "project"), python)
            assert projects.snakemake(project.folder, *HEADS).returncode == 0
            ways = {
                "here, two cores": lambda: here(project),
                "Slurm, a job each": lambda: project.run(*HEADS, options=cluster_run.SINGLY),
                "Slurm, one job for all": lambda: project.run(*HEADS),
            }
            print(ROW.format("14 steps", "seconds", "a step", "jobs", "s on a node"))
            for name, run in ways.items():
                print(measure(project, name, run), flush=True)
    finally:
        slurm_cluster.down()


if __name__ == "__main__":
    main()
