"""A real server of S3 on the loopback: SeaweedFS, with an owner of all and a reader of a bucket."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

BUCKET = "study"
IDENTITIES = {
    "identities": [
        {
            "name": "owner",
            "credentials": [{"accessKey": "owner", "secretKey": "secret of owner"}],
            "actions": ["Admin", "Read", "Write", "List"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": "reader", "secretKey": "secret of reader"}],
            "actions": [f"Read:{BUCKET}", f"List:{BUCKET}"],
        },
    ]
}


def credentials(user: str) -> dict[str, str]:
    """The environment of a user of the server."""
    return {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": f"secret of {user}"}


@contextmanager
def serve(folder: Path, python: Path) -> Iterator[str]:
    """The address of a server that keeps its files in a folder, until the block ends.

    Args:
        folder: an empty one.
        python: of an environment in which the server is installed.
    """
    (folder / "identities.json").write_text(json.dumps(IDENTITIES))
    ports = _free_ports(4)
    command = [python.parent / "weed", "server", f"-dir={folder}", "-ip=127.0.0.1", "-filer", "-s3"]
    command += ["-ip.bind=127.0.0.1", "-volume.max=20", "-master.volumeSizeLimitMB=64"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    command += [f"-s3.config={folder / 'identities.json'}"]
    for part, port in zip(("master", "volume", "filer", "s3"), ports, strict=True):
        command += [f"-{part}.port={port}", f"-{part}.port.grpc={port + 10000}"]
    with open(folder / "log.txt", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        address = f"http://127.0.0.1:{ports[-1]}"
        _wait(address, server)
        yield address
    finally:
        server.kill()  # nothing of it is kept, and a farewell takes it half a minute
        server.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that are free, as are those 10,000 above."""
    with ExitStack() as stack:
        found = []
        for port in range(21000, 29000):
            try:
                for number in (port, port + 10000):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise OSError("no free ports")


def _wait(address: str, server: subprocess.Popen, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except urllib.error.HTTPError:  # it answers, and refuses who has no name
            return
        except OSError:
            time.sleep(0.3)
    raise OSError(f"no answer from {address}")
