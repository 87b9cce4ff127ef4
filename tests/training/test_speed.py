"""The benchmark of speed, at its smallest size: it measures every row, and says what it lacks."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pandas as pd

PROGRAM = Path(__file__).parents[1] / "benchmarks/speed.py"
PEERS = {"torch": "PyTorch", "openvino": "OpenVINO"}


def test_every_row_is_measured_and_what_is_left_out_is_said(tmp_path):
    table, picture = tmp_path / "speed.csv", tmp_path / "speed.svg"
    options = ["--size", "small", "--rounds", "1", "--threads", "1", "--only", "float32"]
    done = subprocess.run(
        [sys.executable, PROGRAM, *options, "--table", table, "--picture", picture],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = pd.read_csv(table)
    assert rows["work"].nunique() == 6 and picture.stat().st_size > 1000
    assert (rows["images_per_second"] > 0).all()
    assert set(rows.loc[rows["engine"] == "convstudy", "project_by_engine"]) == {1}
    for library, engine in PEERS.items():
        there = importlib.util.find_spec(library) is not None
        assert (engine in set(rows["engine"])) == there
        assert (f"{engine} is left out: {library} not installed" in done.stdout) != there
    assert (rows["engine"] == "Keras").sum() == 6 and "tensorflow 2." in done.stdout
