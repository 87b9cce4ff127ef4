"""A batch system in one file, with the commands that PBS and LSF have: submit, status, cancel.

    batch_system.py submit SCRIPT    start a job, print its number
    batch_system.py status NUMBER    running, success or failed
    batch_system.py cancel NUMBER    end a job with all that it started

Jobs are processes of this machine; what is known of them lies in the folder `$BATCH_SYSTEM`.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

JOBS = Path(os.environ.get("BATCH_SYSTEM", "."))


def submit(script: str) -> str:
    JOBS.mkdir(exist_ok=True)
    number = str(len(list(JOBS.glob("*.process"))) + 1)
    end = JOBS / f"{number}.end"
    with open(JOBS / f"{number}.log", "w") as log:
        job = subprocess.Popen(
            ["/bin/sh", "-c", f'sh "{script}"; echo $? > "{end}.part"; mv "{end}.part" "{end}"'],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (JOBS / f"{number}.process").write_text(str(job.pid))
    return number


def status(number: str) -> str:
    end = JOBS / f"{number}.end"
    if end.exists():
        return "success" if end.read_text().strip() == "0" else "failed"
    process = int((JOBS / f"{number}.process").read_text())
    return "running" if Path(f"/proc/{process}").exists() else "failed"


def cancel(number: str) -> str:
    os.killpg(int((JOBS / f"{number}.process").read_text()), signal.SIGKILL)
    return ""


if __name__ == "__main__":
    print({"submit": submit, "status": status, "cancel": cancel}[sys.argv[1]](*sys.argv[2:]))
