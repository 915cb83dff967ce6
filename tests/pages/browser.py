"""A real browser, driven over its debugging protocol: what a page does, and how wide it is."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
)  # fmt: skip
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install Debian's to run this")


class Tab:
    """One page of the browser."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.number = socket, 0
        self.problems: list[str] = []  # what the page reported, and what it could not load
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv(timeout=60))).get("id") != self.number:
            self._notice(message)
        result: dict[str, Any] = message["result"]
        return result

    def _notice(self, message: dict[str, Any]) -> None:
        if message["method"] == "Runtime.exceptionThrown":
            self.problems.append(str(message["params"]["exceptionDetails"]))
        elif message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.problems.append(str(message["params"]["entry"].get("url")))

    def open(self, url: str, width: int = 1400, dark: bool = False) -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        self.problems.clear()  # what the page before could not load is not this one's
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def violations(self) -> Any:
        """What axe finds that who has no mouse or no eyes would stumble over: rules, and where."""
        import axe_core_python

        self.value(Path(axe_core_python.__file__).with_name("axe.min.js").read_text())
        return self.value(
            "axe.run().then(all => all.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"
        )

    def until(self, condition: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not self.value(condition):
            assert time.monotonic() < end, f"never: {condition}"
            time.sleep(0.05)


@contextlib.contextmanager
def tab() -> Iterator[Tab]:
    """A tab of a browser with an empty profile."""
    from websockets.sync.client import connect

    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(
                _address(Path(profile)), max_size=None, proxy=None, open_timeout=60, ping_interval=None
            ) as socket:
                yield Tab(socket)
        finally:
            process.terminate()
            process.wait()


def _address(profile: Path) -> str:
    """The debugging address of the browser's only page."""
    import httpx

    file, end = profile / "DevToolsActivePort", time.monotonic() + 60
    while not (file.is_file() and file.read_text().strip()):
        assert time.monotonic() < end, "the browser does not start"
        time.sleep(0.05)
    port = file.read_text().splitlines()[0]
    while True:
        targets = httpx.get(f"http://127.0.0.1:{port}/json", timeout=60, trust_env=False).json()
        pages = [target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"]
        if pages:
            return str(pages[0])
        time.sleep(0.05)
