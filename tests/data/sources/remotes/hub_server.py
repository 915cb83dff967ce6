"""A stand-in for the Hugging Face hub: the requests that its client makes, answered from folders."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".parquet", ".safetensors", ".bin")  # kept by SHA-256, as with git-lfs


def blob(content: bytes) -> str:
    """The name of git's blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        self.server.asked.append(path)
        if path.startswith("api/"):
            name, _, revision = path.removeprefix("api/").partition("/revision/")
            self._describe(name, revision)
        else:
            name, _, rest = path.partition("/resolve/")
            self._send(name if name.startswith("datasets/") else f"models/{name}", rest)

    def _describe(self, name: str, revision: str) -> None:
        folder = self.server.folders.get(name)
        if folder is None:
            return self._answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", COMMIT):
            return self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        siblings = [self._sibling(folder, file) for file in sorted(folder.rglob("*")) if file.is_file()]
        said = {"id": name.partition("/")[2], "sha": COMMIT, "siblings": siblings, "tags": []}
        return self._answer(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def _sibling(self, folder: Path, file: Path) -> dict[str, Any]:
        content = file.read_bytes()
        said: dict[str, Any] = {
            "rfilename": str(file.relative_to(folder)),
            "blobId": blob(content),
            "size": len(content),
        }
        if file.suffix in LARGE:
            digest = hashlib.sha256(content).hexdigest()
            said["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
        return said

    def _send(self, name: str, rest: str) -> None:
        folder, path = self.server.folders.get(name), rest.removeprefix(f"{COMMIT}/")
        if folder is None or path == rest:
            return self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if name in self.server.gated:
            return self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        content = (folder / path).read_bytes()
        digest = hashlib.sha256(content).hexdigest() if path.endswith(LARGE) else blob(content)
        if path in self.server.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return self._answer(200, content, {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


class Hub(http.server.ThreadingHTTPServer):
    """Folders by their names, such as datasets/team/reviews or models/team/encoder."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folders: dict[str, Path] = {}
        self.gated: set[str] = set()  # names whose terms nobody has accepted
        self.damaged: set[str] = set()  # files that arrive with one bit turned
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serve(folders: dict[str, Path]) -> Iterator[Hub]:
    with Hub() as server:
        server.folders = folders
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
