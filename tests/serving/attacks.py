"""What is sent to the service to harm it, over plain sockets, and a caller who means well."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import pickle
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator

TOKEN = "a" * 24
BODY = json.dumps({"texts": ["Ada was in Rome."], "tasks": ["ner"]}).encode()
JSON = "application/json"
CLOSED = 0  # in the place of a status


def head(length: int | str | None, path: str = "/predict", content_type: str = JSON, more: str = "") -> bytes:
    declared = "" if length is None else f"content-length: {length}\r\n"
    lines = f"host: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: {content_type}\r\n{declared}{more}"
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode()


def post(body: bytes, **given: str) -> bytes:
    return head(len(body), **given) + body


def malformed(count: int) -> Iterator[bytes]:
    """Requests with something wrong with them: of each kind some, drawn by a seed."""
    draws = random.Random(0)
    kinds = (_flipped, _cut, _of_another_kind, _wrong_length, _spoilt_head, _nested)
    for kind in itertools.islice(itertools.cycle(kinds), count):
        yield kind(draws)


def _flipped(draws: random.Random) -> bytes:
    """Some bytes of the body are others."""
    body = bytearray(BODY)
    for _ in range(draws.randint(1, 8)):
        body[draws.randrange(len(body))] = draws.randrange(256)
    return post(bytes(body))


def _cut(draws: random.Random) -> bytes:
    """The body ends too early, and says so."""
    return post(BODY[: draws.randrange(len(BODY))])


def _of_another_kind(draws: random.Random) -> bytes:
    return draws.choice(
        [
            post(pickle.dumps({"texts": ["a"]})),
            post(pickle.dumps({"texts": ["a"]}), content_type="application/vnd.bentoml+pickle"),
            post(b"texts=a", content_type="application/x-www-form-urlencoded"),
            post(b'{"texts": ["\\ud800"]}'),
            post(b'{"texts": ["\\udfff\\ud800 twice"]}'),
            post(b'{"texts": ["\xed\xa0\x80"]}'),
            post(json.dumps({"texts": ["a"]}).encode("utf-16")),
            post(b"\xef\xbb\xbf" + BODY),
            post(b'{"texts": [1e999]}'),
            post(b'{"texts": [' + b"9" * 5000 + b"]}"),
            post(b'{"texts": ["a"], "texts": [NaN]}'),
            post(b'{"texts": ["\x00"]}'),
            post(b'{"texts": ["a"], "top": 99999999999999999999}'),
            post(b'{"texts": {"$ref": "file:///etc/passwd"}}'),
            post(b'{"texts": [{"text": {"url": "http://127.0.0.1/"}}]}'),
            post(b""),
        ]
    )


def _wrong_length(draws: random.Random) -> bytes:
    length = draws.choice(["-1", "1e3", "0x10", "9" * 30, "5, 6", "", "+7", "3\r\ncontent-length: 4"])
    return head(length) + BODY


def _spoilt_head(draws: random.Random) -> bytes:
    sent = bytearray(post(BODY))
    for _ in range(draws.randint(1, 3)):
        sent[draws.randrange(sent.index(b"\r\n\r\n"))] = draws.choice(b"\x00\x01\n\r :\xff")
    return bytes(sent)


def _nested(draws: random.Random) -> bytes:
    depth, opening = draws.choice([100, 5000, 20_000]), draws.choice([b"[", b'{"texts":', b'[{"turns":'])
    return post(b'{"texts": ' + opening * (depth // len(opening)))


def answered(port: int, sent: bytes, patience: float = 0.5) -> tuple[int | None, bytes]:
    """(status, body) of the answer. Where none came: CLOSED if the service ended the connection, no status if
    the caller lost his patience."""
    found, nothing = b"", None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(sent)
            connection.settimeout(patience)
            while b"\r\n\r\n" not in found or not _whole(found):
                if not (more := connection.recv(1 << 16)):
                    nothing = CLOSED
                    break
                found += more
        except TimeoutError:
            pass
        except OSError:
            nothing = CLOSED
    start, _, body = found.partition(b"\r\n\r\n")
    return (int(start.split()[1]) if start.startswith(b"HTTP/1.1 ") else nothing), body


def _whole(found: bytes) -> bool:
    start, _, body = found.partition(b"\r\n\r\n")
    length = start.lower().partition(b"content-length:")[2].partition(b"\r")[0]
    return bool(length) and len(body) >= int(length)


class Steady:
    """A caller who means well: a question every few moments, beside whatever else is sent."""

    def __init__(self, port: int) -> None:
        self.port, self.statuses, self.slowest = port, Counter[int | None](), 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._end.wait(0.2):
            start = time.monotonic()
            self.statuses[answered(self.port, post(BODY, more="connection: close\r\n"), patience=30)[0]] += 1
            self.slowest = max(self.slowest, time.monotonic() - start)

    def stop(self) -> None:
        self._end.set()
        self._thread.join()


class Slow:
    """Callers who send a byte now and then: of the headers, or of the body."""

    def __init__(self, port: int, count: int) -> None:
        self.since = time.monotonic()
        self.connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        for number, one in enumerate(self.connections):
            one.sendall(b"POST /predict HTTP/1.1\r\n" if number % 2 else head(1000))
            one.setblocking(False)
        self._end = threading.Event()
        threading.Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        while not self._end.wait(1.0):
            for number, one in enumerate(self.connections):
                with contextlib.suppress(OSError):
                    one.sendall(b"x: y\r\n" if number % 2 else b" ")

    def ends(self, seconds: float) -> list[bytes]:
        """What each has heard so many seconds after it began; a connection that is open says so."""
        time.sleep(max(0.0, self.since + seconds - time.monotonic()))
        self._end.set()
        return [self._heard(one) for one in self.connections]

    @staticmethod
    def _heard(connection: socket.socket) -> bytes:
        try:
            return connection.recv(1 << 16)
        except BlockingIOError:
            return b"open"
        except OSError:
            return b""
        finally:
            connection.close()


async def until_it_ends(port: int, callers: int, asked: Counter[str], some: asyncio.Event) -> None:
    """Callers who ask again as soon as they are answered, until nobody takes their connections: what became
    of their requests. `some`: is set when there are a few answers."""

    async def one() -> None:
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while await _next(reader, writer):
                    if asked["answered"] > 5 * callers:
                        some.set()
                writer.close()

    async def _next(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask once; whether the connection is good for another."""
        try:
            writer.write(post(BODY))
            found = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(found.partition(b"content-length:")[2].partition(b"\r")[0]))
        except (OSError, EOFError) as error:
            asked[f"lost: {error!r}"] += 1
            return False
        asked["answered" if found.startswith(b"http/1.1 200") else found.split()[1].decode()] += 1
        return b"connection: close" not in found

    await asyncio.gather(*(one() for _ in range(callers)))
