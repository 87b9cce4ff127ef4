"""Run the fuzz targets for long: `python tests/fuzz/run.py --cases 20000 --seed 1`.

Every target has a process of its own, so that a crash or an endless loop in a C library is seen.
Prints a table and ends with 1 when a case failed; the input that failed is kept, and its path is
printed. `--replay FILE` with `--only TARGET` runs one kept input again.
"""

import argparse
import faulthandler
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / name) for name in ("tests", "tests/support", "scripts")]

BATCH = 2000  # Hypothesis remembers every case of a batch
SECONDS = 30  # that one case may take


def targets(name: str | None = None) -> dict:
    """All targets by name, or up to the file that holds `name`: TensorFlow is slow to import."""
    found = {}
    for module in ("archives", "files", "images", "listings", "results", "books", "networks"):
        if name not in found:
            listed = importlib.import_module(f"fuzz.{module}").TARGETS
            found |= {target.name: target for target in listed}
    return found


def fuzz(name: str, cases: int, seed: int, folder: Path) -> None:
    """Run one target in this process and write `result.json`; any failure ends the process."""
    import hypothesis

    from fuzz.harness import Sandbox

    target = targets(name)[name]
    sandbox, current = Sandbox(folder / "sandbox"), folder / "input"
    outcomes: Counter[str] = Counter()
    start, most = time.monotonic(), 0.0
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + 8 * 2**30,) * 2)

    def one(case: bytes) -> None:
        nonlocal most
        current.write_bytes(case)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew with this case
        before = memory("VmRSS")
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        outcomes[sandbox.run(target, case)] += 1
        faulthandler.cancel_dump_traceback_later()
        most = max(most, memory("VmHWM") - before)
        assert most < target.memory, f"took {most:.0f} MiB"

    strategy = target.cases()
    while (done := outcomes.total()) < cases:
        settings = hypothesis.settings(
            max_examples=min(BATCH, cases - done),
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(seed * 10_000 + done)(settings(hypothesis.given(strategy)(one)))()
    result = {"outcomes": outcomes, "seconds": time.monotonic() - start, "most": most}
    (folder / "result.json").write_text(json.dumps(result))


def memory(key: str) -> float:
    """Resident memory of this process now (VmRSS) or at most (VmHWM), in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{key}:")[1].split()[0]) / 1024


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def run(name: str, cases: int, seed: int, folder: Path) -> dict | None:
    """Fuzz one target in a new process; None when it failed."""
    folder.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, __file__, "--worker", name, "--cases", str(cases), "--seed", str(seed)]
        + ["--folder", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    result = folder / "result.json"
    if done.returncode == 0 and result.exists():
        return json.loads(result.read_text())
    print(f"{name}: FAILED (status {done.returncode}); the input is {folder / 'input'}")
    print(f"{done.stdout[-1000:]}{done.stderr[-4000:]}")
    return None


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=20_000, help="cases a target (slow ones less)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="a target's name; may be repeated")
    parser.add_argument("--replay", type=Path, help="one kept input, for --only TARGET")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    if options.worker:
        fuzz(options.worker, options.cases, options.seed, options.folder)
        return
    if options.replay:
        from fuzz.harness import Sandbox

        sandbox = Sandbox(Path(tempfile.mkdtemp(prefix="convstudy-fuzz-")))
        print(sandbox.run(targets()[options.only[0]], options.replay.read_bytes()))
        return
    sys.exit(print_table(options, Path(tempfile.mkdtemp(prefix="convstudy-fuzz-"))))


def print_table(options: argparse.Namespace, folder: Path) -> int:
    """Run the targets one after the other; return 1 when one failed."""
    print("target              cases  accepted  refused  kinds  failures  seconds  most MiB")
    total = failures = 0
    for name, target in targets().items():
        if options.only and name not in options.only:
            continue
        cases = max(1, round(options.cases * target.share))
        result = run(name, cases, options.seed, folder / name.replace(" ", "_"))
        if result is None:
            failures += 1
            continue
        outcomes = Counter(result["outcomes"])
        done, accepted = outcomes.total(), outcomes["accepted"]
        total += done
        print(
            f"{name:17}{done:8,}{accepted:10,}{done - accepted:9,}{len(outcomes):7}{0:10}"
            f"{result['seconds']:9.0f}{result['most']:10.1f}",
            flush=True,
        )
    print(f"{total:,} cases passed, {failures} targets failed; details in {folder}")
    return int(failures > 0)


if __name__ == "__main__":
    main()
