"""How a server ends: nobody who was let in is lost, and the socket serves whoever comes after."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from components.release.variables import WORKERS_FOLDER
from serving import connections, group
from serving.connections import Limited, Server
from tests.serving.loopback import GET, asked, served


@pytest.fixture(autouse=True)
def _goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limited, "ending", False)


def test_a_server_that_ends_answers_what_it_was_asked_and_what_is_on_its_way_to_it() -> None:
    free = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await free.wait()
        scope["headers"] = list(scope["headers"])  # as Starlette does
        await PlainTextResponse("here")(scope, receive, send)

    async def scenario() -> None:
        ending = served(app, Server, http=Limited)
        port = await ending.__aenter__()
        slow, idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        slow[1].write(GET.replace(b"/ ", b"/slow "))
        idle[1].write(GET)
        assert b"connection" not in await idle[0].readuntil(b"here")
        end = asyncio.ensure_future(ending.__aexit__(None, None, None))
        while not Limited.ending:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        idle[1].write(GET)
        assert b"connection: close" in await asyncio.wait_for(idle[0].readuntil(b"here"), 2)
        free.set()
        assert b"connection: close" in await asyncio.wait_for(slow[0].readuntil(b"here"), 2)
        for _, writer in (slow, idle):
            writer.close()
        await asyncio.wait_for(end, 5)

    asyncio.run(scenario())


def test_who_connects_in_the_moment_in_which_a_server_ends_is_refused_and_not_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[socket.socket] = []

    async def settled() -> None:
        await _settled()
        late.append(socket.socket())
        late[-1].setblocking(False)
        late[-1].connect_ex(("127.0.0.1", port))  # after the last look at those who wait

    async def scenario() -> None:
        nonlocal port
        loop, ending = asyncio.get_running_loop(), served(PlainTextResponse("here"), Server, http=Limited)
        port = await ending.__aenter__()
        await asyncio.wait_for(ending.__aexit__(None, None, None), 5)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.wait_for(loop.sock_connect(late[0], ("127.0.0.1", port)), 5)

    port, _settled = 0, connections._settled
    monkeypatch.setattr(connections, "_settled", settled)
    asyncio.run(scenario())
    for one in late:
        one.close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_a_socket_that_was_closed_to_callers_can_be_listened_on_again(
    family: socket.AddressFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a Unix socket must be short
    address = {socket.AF_INET: ("127.0.0.1", 0), socket.AF_UNIX: "socket"}
    with socket.socket(family) as listening, socket.socket(family) as caller:
        listening.bind(address[family])
        listening.listen()
        connections._hold_off(listening)
        connections._close(listening)
        connections._let_in(listening)
        listening.listen()
        caller.settimeout(5)
        assert caller.connect_ex(listening.getsockname()) == 0


def test_a_worker_takes_callers_where_the_one_before_it_was_killed_while_it_ended() -> None:
    class Heir(Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            for one in sockets or ():
                connections._hold_off(one)  # by a process that did not live to end it
            await super().startup(sockets)

    async def scenario() -> None:
        async with served(PlainTextResponse('"here"'), Heir, http=Limited) as port:
            close = GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
            assert await asyncio.wait_for(asked(port, close), 5) == (b"HTTP/1.1 200 OK", "here")

    asyncio.run(scenario())


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files of two workers, of which none is ready."""
    monkeypatch.setenv(WORKERS_FOLDER, str(tmp_path))
    for number in range(2):
        (tmp_path / str(number)).touch()
    return group._files()


@pytest.mark.parametrize("ready", [False, True])
def test_a_worker_that_ends_closes_no_socket_on_one_that_has_become_ready_meanwhile(
    ready: bool, workers: list[Path]
) -> None:
    """The supervisor starts workers anew: one may answer its first questions in just that moment."""

    async def scenario() -> None:
        server = Server(
            uvicorn.Config(PlainTextResponse("here"), lifespan="off", log_config=None, http=Limited)
        )
        serving = asyncio.ensure_future(server.serve(sockets=[listening.dup()]))
        while not server.started:
            await asyncio.sleep(0.01)
        server.should_exit = True
        while not Limited.ending:
            await asyncio.sleep(0)
        assert not ready or group.locked(other)
        await serving

    with workers[0].open("rb") as other, socket.socket() as listening, socket.socket() as caller:
        listening.bind(("127.0.0.1", 0))
        asyncio.run(scenario())
        caller.settimeout(5)
        with contextlib.nullcontext() if ready else pytest.raises(ConnectionRefusedError):
            caller.connect(listening.getsockname())
