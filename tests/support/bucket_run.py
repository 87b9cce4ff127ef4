"""A tiny study whose results are in a bucket of a real server, and what tests do with it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import projects
import s3_server

CLIENT = projects.ROOT / "tests/support/s3_client.py"


@dataclass
class Server:
    """A server that runs, and the Python of an environment with the plug-ins."""

    address: str
    python: Path

    def environment(self, user: str | None) -> dict[str, str]:
        """The environment in which a user of the server works; that of nobody has no name."""
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SNAKEMAKE_"))}
        plain |= {"AWS_ENDPOINT_URL_S3": self.address, "AWS_EC2_METADATA_DISABLED": "true"}
        return plain | (s3_server.credentials(user) if user else {})

    def client(self, *words: str | Path) -> str:
        """What our small client says as the owner."""
        done = subprocess.run(
            [self.python, CLIENT, *words],
            env=self.environment("owner"),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@dataclass
class Project:
    """A folder with the sources, and where its results are in the bucket."""

    folder: Path
    server: Server
    root: str

    def add(self, text: str) -> None:
        """Append to the config."""
        with open(self.folder / "tiny.yaml", "a") as stream:
            stream.write(text)

    def elsewhere(self, name: str) -> "Project":
        """The same study in a new folder."""
        folder = self.folder.with_name(name)
        put_sources(folder)
        shutil.copy(self.folder / "tiny.yaml", folder)
        return Project(folder, self.server, self.root)

    def run(
        self, *arguments: str, user: str | None = "owner", results_in: str | None = None, **changes
    ) -> tuple[int, str]:
        """Run Snakemake as a user; results are in a folder of the bucket, or `here`."""
        root = results_in or self.root
        where = ["--workflow-profile", "s3", "--default-storage-prefix", root]
        command = [self.server.python, "-m", "snakemake", "-c2", *arguments]
        command += ["--configfile", "tiny.yaml", *(where if root != "here" else [])]
        env = self.server.environment(user) | changes
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


def put_sources(folder: Path) -> None:
    """The sources of this project, and of the tiny study."""
    folder.mkdir()
    projects.put_sources(folder)
    for path in projects.ROOT.glob("requirements-*.txt"):
        shutil.copy(path, folder)


def errors(said: str) -> list[str]:
    """The lines of a run's output that name an error."""
    return [line for line in said.splitlines() if "rror" in line]
