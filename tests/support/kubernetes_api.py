"""As much of Kubernetes as Snakemake's plug-in asks for: jobs run here, each in an empty folder.

There are no containers: a job has the files of this machine, but its working folder is empty, and
of the environment it has what its manifest says, and PATH.
"""

import base64
import http.server
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
users: [{{name: me, user: {{}}}}]
current-context: here
"""


class Api(http.server.ThreadingHTTPServer):
    """The state of the cluster.

    Attributes:
        jobs: the manifests that were submitted, by name.
        secrets: the same of secrets.
        kubeconfig: the file that leads a client here.
        refuse: a message with which further jobs are refused, where it is not empty.
    """

    def __init__(self, folder: Path, python: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.python = folder, python
        self.jobs: dict[str, Any] = {}
        self.secrets: dict[str, Any] = {}
        self.refuse = ""
        self._processes: dict[str, subprocess.Popen] = {}
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(KUBECONFIG.format(port=self.server_port))

    def submit(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        self.jobs[name] = job
        (container,) = job["spec"]["template"]["spec"]["containers"]
        place = self.folder / name
        place.mkdir()
        env = {"PATH": f"{self.python.parent}:{os.environ['PATH']}", "HOME": str(place)}
        env |= {x["name"]: self._secret(x["valueFrom"]) for x in container.get("env", [])}
        with open(self.folder / f"{name}.log", "w") as output:
            self._processes[name] = subprocess.Popen(
                [*container["command"], *container["args"]],
                cwd=place,
                env=env | {"TF_CPP_MIN_LOG_LEVEL": "3"},
                stdout=output,
                stderr=output,
            )

    def _secret(self, source: dict[str, Any]) -> str:
        key = source["secretKeyRef"]
        return base64.b64decode(self.secrets[key["name"]]["data"][key["key"]]).decode()

    def status(self, name: str) -> dict[str, int]:
        end = self._processes[name].poll()
        return {} if end is None else {"failed": 1} if end else {"succeeded": 1}

    def log(self) -> str:
        """What all jobs have said."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.shutdown()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers for secrets, jobs and pods."""

    server: Api

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/secrets"):
            self.server.secrets[body["metadata"]["name"]] = body
        elif self.server.refuse:
            return self._answer({"kind": "Status", "message": self.server.refuse}, 403)
        else:
            self.server.submit(body)
        self._answer(body, 201)

    def do_GET(self):
        if found := re.search(r"/jobs/([^/]+)/status", self.path):
            name = found[1]
            return self._answer(self.server.jobs[name] | {"status": self.server.status(name)})
        self._answer({"kind": "PodList", "apiVersion": "v1", "items": []})

    def do_DELETE(self):
        self._answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


@contextmanager
def serve(folder: Path, python: Path) -> Iterator[Api]:
    """Such a cluster, whose jobs have the environment of this Python."""
    api = Api(folder, python)
    thread = threading.Thread(target=api.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.stop()
        thread.join()
