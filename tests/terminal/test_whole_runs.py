"""What whole tiny runs show, with a terminal and without."""

import os
import pty
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from projects import delete_results, snakemake


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """What Snakemake writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments, "--configfile", "tiny.yaml"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR")}
        | {"TERM": "xterm-256color"}
        | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode()


def forget(folder: Path, *paths: str) -> None:
    """Delete results, in the cache too."""
    shutil.rmtree(folder / "results/.convstudy/cache")
    for path in paths:
        shutil.rmtree(folder / path)


TRAINED = "results/runs/tiny_objects/base_net_normalize/seed0"
TENSORFLOW = re.compile(r"^[IWEF]\d{4} |absl|cuda|oneDNN|tensorflow|rebuild", re.M | re.I)


def test_a_whole_run_is_a_line_a_step_and_the_table(copy):
    delete_results(copy)
    run = snakemake(copy, "results/summary.csv")
    lines = (run.stdout + run.stderr).splitlines()
    steps = [line for line in lines if re.match(r" *\d+/44 ", line)]
    assert run.returncode == 0 and len(steps) == 44
    assert len(lines) < 44 + 20 and not TENSORFLOW.search("\n".join(lines))
    assert any(line.startswith("base_net_whiten  ") for line in lines)
    assert lines[-3:] == [
        "Tables    results/summary.csv  results/summary.md",
        "Pictures  results/plots/",
        "Report    not made yet; name results/report.html in the command, and it is",
    ]


def test_trainings_are_followed_by_name_without_and_with_a_terminal(copy):
    target = f"{TRAINED}/model.keras"
    forget(copy, TRAINED)
    run = snakemake(copy, target)
    said = run.stdout + run.stderr
    assert re.search(r"^base_net_normalize on tiny_objects, seed 0: epoch \d/2, val", said, re.M)
    assert not TENSORFLOW.search(said) and "\x1b" not in said
    forget(copy, TRAINED)
    said = on_a_terminal(copy, target)
    assert "0 of 1 step" in said and "\x1b[2K" in said and not TENSORFLOW.search(said)
    assert re.search(r"1/1 .*Training base_net_normalize", said)
    forget(copy, TRAINED)
    assert "\x1b" not in on_a_terminal(copy, target, CI="true")


def test_a_damaged_file_is_the_last_sentence_once(copy):
    (copy / "results/demo/objects.tar.gz").write_text("damaged")
    start = time.time()
    run = snakemake(copy, "results/summary.csv")
    said = run.stdout + run.stderr
    assert run.returncode == 1 and time.time() - start < 60
    sentence = "results/demo/objects.tar.gz is not the file that draw_objects left there"
    assert said.splitlines()[-1].startswith(f"error: {sentence}")
    assert said.count(sentence) == 1 and "Traceback" not in said


def test_a_mistake_in_the_config_is_one_line(project):
    run = snakemake(project, "results/summary.csv", "--config", "studdy=tiny")
    said = [x for x in (run.stdout + run.stderr).splitlines() if not x.startswith("Using workflow")]
    assert len(said) == 1 and said[0].startswith("error: config: unknown key 'studdy'")
