"""Who is told: a web server and a mail server of this machine, which keep what they get."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REFUSED = "/refused"


@contextlib.contextmanager
def web() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Its port, and the JSON objects that were posted to it; it takes nothing else, and says 503 at one path."""
    received: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = self.headers["Content-Type"] == "application/json"
            status = 503 if self.path == REFUSED else 200
            self.send_response(status if is_json else 415)
            self.end_headers()
            if is_json:
                received.append(json.loads(body))

        def log_message(self, *arguments: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Listener)) as port:
        yield port, received


@contextlib.contextmanager
def mail() -> Iterator[tuple[int, list[Message]]]:
    """Its port, and the messages that were sent to it."""
    received: list[Message] = []

    class Session(socketserver.StreamRequestHandler):
        """As little of SMTP as a client needs that sends one message."""

        def handle(self) -> None:
            self._say("220 here")
            for line in self.rfile:
                word = line.strip().upper()
                if word == b"DATA":
                    self._say("354 go on")
                    received.append(message_from_string("".join(self._lines())))
                self._say("221 bye" if word == b"QUIT" else "250 well")

        def _lines(self) -> Iterator[str]:
            for line in self.rfile:
                if line.rstrip(b"\r\n") == b".":
                    return
                yield line.decode().replace("\r\n", "\n")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)) as port:
        yield port, received


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
