"""Debian's Chromium without a window, driven through its own protocol over two pipes.

    python tests/support/browser.py install     install it, where apt-get is and it is not

The protocol is JSON, one message a zero byte, on file descriptors 3 and 4 of the browser
(chromedevtools.github.io/devtools-protocol), so that neither a driver nor a port is needed.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage "
    "--hide-scrollbars --remote-debugging-pipe"
).split()
SECONDS = 60  # without an answer


def why_not() -> str | None:
    """What keeps a browser from being started, for a test that skips; None if nothing does."""
    return None if shutil.which("chromium") else "there is no Chromium (apt-get install chromium)"


def install() -> None:
    """Install Debian's package, where there is one to install."""
    if why_not() is None or os.getuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "-q", *words], env=environment, check=True)


class Tab:
    """One tab, and what its console and its errors said so far in `complaints`."""

    def __init__(self, write: int, read: int):
        self.read, self.write, self.number = read, write, 0
        self.rest, self.session, self.complaints = b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self.number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                return found["result"]

    def open(self, path: Path, width: int, dark: bool = False, media: str = "screen") -> None:
        """Show a file as wide as a screen of so many pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.run(
            "new Promise(done => { const ready = () => document.readyState === 'complete'"
            " && location.protocol === 'file:' ? done(1) : setTimeout(ready, 20); ready(); })"
        )

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def picture(self, path: Path, whole: bool = False) -> None:
        """Save what is shown, or the whole page, as a .png."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        sheet = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
        return base64.b64decode(self.call("Page.printToPDF", **sheet)["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], SECONDS)[0]:
                raise TimeoutError(f"the browser said nothing for {SECONDS} s")
            more = os.read(self.read, 1 << 20)
            if not more:
                raise RuntimeError("the browser ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        found = json.loads(message)
        kind, said = found.get("method"), found.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.complaints.append(said["exceptionDetails"])
        if kind == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append(said["args"])
        if kind == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"])
        return found


@contextlib.contextmanager
def tab() -> Iterator[Tab]:
    """A tab of a new browser, which ends with the block."""
    to_browser, from_us = os.pipe()
    from_browser, to_us = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = ["chromium", *SWITCHES, f"--user-data-dir={profile}", "about:blank"]
        shell = f'exec "$@" 3<&{to_browser} 4>&{to_us}'
        process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *words], pass_fds=(to_browser, to_us),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(to_browser), os.close(to_us)
        try:
            yield Tab(from_us, from_browser)
        finally:
            os.close(from_us), os.close(from_browser)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    {"install": install}[sys.argv[1]]()
