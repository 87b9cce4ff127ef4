"""A real Slurm of several nodes on one Debian machine, from Debian's packages.

    python tests/support/slurm_cluster.py install  install Debian's packages, which start nothing
    python tests/support/slurm_cluster.py up       the same, and start what does not run
    python tests/support/slurm_cluster.py down     stop all of it, and delete its state

The nodes are `slurmd` processes of this machine that believe they are hosts of their own, so the
project's folder is shared by nature. No systemd and no cgroups are needed: processes are found by
their parents, and memory is sampled from /proc. All programs listen on the loopback alone. GPUs are
character devices that only pass for some: Slurm hands them out, no program could compute on them.

Needs root and a machine that nobody minds: it is for tests, and says nothing about how a cluster
should be set up.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BASE = Path("/var/lib/convstudy-slurm")
CONF = BASE / "slurm.conf"
LOGS, RUN = BASE / "log", BASE / "run"
SOCKET = RUN / "mariadb.sock"
NODES = ("node1", "node2", "node3")
PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client", "slurmdbd", "mariadb-server")
DAEMONS = {"SLURM_CONF": str(CONF), "MYSQL_UNIX_PORT": str(SOCKET)}
LINK = Path("/etc/slurm/slurm.conf")  # where all of Slurm's programs look
SLURM_CONF = """
ClusterName=convstudy
SlurmctldHost={host}(127.0.0.1)
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
SlurmctldPort=16817
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={base}/state
SlurmctldPidFile={run}/slurmctld.pid
SlurmctldLogFile={logs}/slurmctld.log
SlurmdSpoolDir={base}/spool.%n
SlurmdPidFile={run}/%n.pid
SlurmdLogFile={logs}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=15
KillWait=5
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=16819
AccountingStorageTRES=gres/gpu
PartitionName=main Nodes=ALL Default=YES MaxTime=60 DefMemPerCPU=100 State=UP
PartitionName=gpu Nodes=ALL MaxTime=60 DefMemPerCPU=100 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=6000"
SLURMDBD_CONF = """
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=16819
SlurmUser=slurm
LogFile={logs}/slurmdbd.log
PidFile={run}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
"""
DATABASE = """
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS 'slurm'@'localhost' IDENTIFIED VIA unix_socket;
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'localhost';
"""


def why_not() -> str | None:
    """What keeps a cluster from being started here, for a test that skips; None if nothing does."""
    if os.getuid() != 0:
        return "Slurm's daemons need root"
    if shutil.which("slurmctld") is None and shutil.which("apt-get") is None:
        return "neither Slurm nor apt-get to install it"
    if LINK.exists() and LINK.resolve() != CONF:
        return f"{LINK} is that of another cluster"
    return None


def up() -> None:
    """Install what is missing and start what does not run.

    Raises:
        RuntimeError: a program did not start; the message has the end of its log.
    """
    install()
    for folder in (BASE, LOGS, RUN, BASE / "state", *(BASE / f"spool.{x}" for x in NODES)):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for folder in (LOGS, RUN, BASE / "state"):
        folder.chmod(0o777)  # daemons of three users write there
    write_configuration()
    start_munge()
    start_database()
    start("slurmdbd")
    until(30, "slurmdbd.log", lambda: said("sacctmgr", "-n", "show", "cluster") is not None)
    said("sacctmgr", "-i", "add", "cluster", "convstudy")
    said("sacctmgr", "-i", "add", "account", "lab", "Cluster=convstudy")
    said("sacctmgr", "-i", "add", "user", "root", "Account=lab", "DefaultAccount=lab")
    start("slurmctld")
    for node in NODES:
        start(node)
    until(60, "slurmctld.log", lambda: (said("sinfo", "-h", "-N", "-t", "idle") or "").count("\n"))


def install() -> None:
    """Install Debian's packages, whose own services are kept from starting."""
    if all(map(shutil.which, ("munged", "slurmctld", "slurmd", "squeue", "slurmdbd", "mariadbd"))):
        return
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            call("apt-get", "-q", *words, env=environment)
    finally:
        if ours:
            policy.unlink()


def write_configuration() -> None:
    places = {"base": BASE, "run": RUN, "logs": LOGS, "host": socket.gethostname().split(".")[0]}
    lines, devices = [SLURM_CONF.format(**places)], []
    for i, name in enumerate(NODES):
        lines.append(NODE.format(name=name, port=17001 + i, **places) + " Gres=gpu:1")
        devices.append(f"NodeName={name} Name=gpu File=/dev/null")
    CONF.write_text("\n".join(lines) + "\n")
    LINK.parent.mkdir(exist_ok=True)
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(CONF)
    (BASE / "gres.conf").write_text("\n".join(devices) + "\n")
    accounting = BASE / "slurmdbd.conf"
    accounting.write_text(SLURMDBD_CONF.format(**places))
    shutil.chown(accounting, "slurm", "slurm")
    accounting.chmod(0o600)  # slurmdbd insists


def start_munge() -> None:
    if said("munge", "-n") is not None:
        return
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        call("mungekey", "--create")
        shutil.chown(key, "munge", "munge")
    Path("/run/munge").mkdir(mode=0o755, exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    call("runuser", "-u", "munge", "--", "munged")
    until(10, "/var/log/munge/munged.log", lambda: said("munge", "-n") is not None)


def start_database() -> None:
    client = ("mariadb", "--no-defaults", "-S", str(SOCKET))
    if said(*client, "-e", "SELECT 1") is None:
        data = BASE / "database"
        if not data.exists():
            data.mkdir()
            shutil.chown(data, "mysql", "mysql")
            plain = "--auth-root-authentication-method=socket"
            user, where = "--user=mysql", f"--datadir={data}"
            call("mariadb-install-db", "--no-defaults", user, where, plain, "--skip-test-db")
        with open(LOGS / "mariadbd.log", "ab") as log:
            subprocess.Popen(
                [
                    "mariadbd",
                    "--no-defaults",
                    "--user=mysql",
                    f"--datadir={data}",
                    f"--socket={SOCKET}",
                ]
                + ["--skip-networking", "--innodb-buffer-pool-size=64M"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(60, "mariadbd.log", lambda: said(*client, "-e", "SELECT 1") is not None)
    call(*client, "-e", DATABASE)


def start(name: str) -> None:
    """Start `slurmctld`, `slurmdbd` or a node, unless it runs."""
    if running(name):
        return
    if name == "slurmdbd":
        command = ["setpriv", "--reuid=slurm", "--regid=slurm", "--init-groups", "slurmdbd"]
    elif name == "slurmctld":
        command = ["slurmctld"]
    else:
        command = ["slurmd", "-N", name]
    call(*command, env=os.environ | DAEMONS)
    until(30, f"{name}.log", lambda: running(name))


def kill(name: str) -> None:
    """Kill a daemon; with a node all that works on it, as a power cut would."""
    number = running(name)
    jobs = (said("squeue", "-h", "-w", name, "-o", "%A") or "").split() if name in NODES else []
    if number:
        os.kill(number, signal.SIGKILL)
        until(10, f"{name}.log", lambda: not running(name))
    for job in jobs:
        said("pkill", "-KILL", "-f", rf"slurmstepd: \[{job}\.")
        send(job, signal.SIGKILL)


def send(job: str, number: int) -> None:
    """Send a signal to all processes of a job."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"SLURM_JOB_ID={job}\0" in (process / "environ").read_text(errors="replace"):
                os.kill(int(process.name), number)


def running(name: str) -> int | None:
    """The process number of a daemon, or None."""
    try:
        number = int((RUN / f"{name}.pid").read_text())
        program = Path(f"/proc/{number}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return number if program == ("slurmd" if name in NODES else name) else None


def down() -> None:
    """Cancel the jobs, stop all programs and delete their state."""
    if CONF.exists() and running("slurmctld"):
        said("scancel", "--user=root")
        with contextlib.suppress(RuntimeError):
            until(20, "slurmctld.log", lambda: not said("squeue", "-h"))
    for name in (*NODES, "slurmctld", "slurmdbd"):
        if number := running(name):
            os.kill(number, signal.SIGTERM)
            until(20, f"{name}.log", lambda name=name: not running(name))
    said("mariadb-admin", "--no-defaults", "-S", str(SOCKET), "shutdown")
    said("pkill", "-x", "munged")
    if LINK.is_symlink() and LINK.readlink() == CONF:
        LINK.unlink()
    shutil.rmtree(BASE, ignore_errors=True)


def call(*command: str, **options) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def said(*command: str) -> str | None:
    """What a command writes; None where it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return None if done.returncode else done.stdout


def until(seconds: float, log: str, holds: Callable[[], object]) -> None:
    """Wait until something holds.

    Raises:
        RuntimeError: it does not; the message has the end of the log.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            path = LOGS / log
            raise RuntimeError(f"{log}: {path.read_text()[-2000:] if path.exists() else 'no log'}")
        time.sleep(0.2)


if __name__ == "__main__":
    {"install": install, "up": up, "down": down}[sys.argv[1]]()
