"""Which Prefect server a run talks to: the one of PREFECT_API_URL, else one of its own.

Prefect reads its settings when it is imported, so `configure` comes before that.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components import loopback
from components.environment import quiet
from components.errors import EXIT_FAILED, UserError
from flows.running import disk, proxies
from flows.running.lock import WORKSPACE

URL = "PREFECT_API_URL"
TRIES = 3
STARTS = 120.0  # seconds: the first start makes the database
PATIENCE = 5  # seconds, with a server that refuses
_own: list[str] = []  # the address of the server that this process has started
PATIENCE_AT_END = 20  # seconds that Prefect gets to tell its server how a run has ended


def configure(root: Path) -> None:
    """Set Prefect's environment for a run from the command line; what the user has set stays.

    A server of PREFECT_API_URL that is not there is none: the run has one of its own, and says so.
    """
    quiet()
    proxies.spare_this_machine()
    url = os.environ.get(URL)
    if url and not answers(url):
        del os.environ[URL]
        said = f"nobody answers at {url} (PREFECT_API_URL); this run has a Prefect server of its own"
        print(f"note: {said}", file=sys.stderr)
    defaults = {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # ours is the terminal; the server has the logs
        "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # on a busy machine SQLite is locked for longer than its 10
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
    }
    if not os.environ.get(URL):
        proxies.set_socks_aside()
        defaults |= {
            "PREFECT_HOME": str(root / WORKSPACE / "prefect"),
            "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",  # its shutdown logs harmless tracebacks
        }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    logging.raiseExceptions = False  # a log that the server cannot take is no news on the terminal


def is_own() -> bool:
    """Tell whether this process has started a server of its own, which ends with it."""
    return bool(_own)


def answers(url: str) -> bool:
    """Tell within a few seconds whether somebody answers at this address, a proxy's own error aside."""
    found: list[bool] = []
    asking = threading.Thread(target=lambda: found.append(_answers(url)), daemon=True)
    asking.start()
    asking.join(PATIENCE - 1)  # a name that nobody resolves takes longer
    return found == [True]


def _answers(url: str) -> bool:
    import httpx

    try:  # whoever it is need not be trusted: nothing is sent
        status = httpx.get(f"{url.rstrip('/')}/health", timeout=2, verify=False).status_code  # noqa: S501
    except httpx.ReadTimeout:
        return True  # it is only slow
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError):
        return False
    return status not in (502, 503, 504)


def start() -> str:
    """Start the run's own server, if it is to have one, where no signal but SIGKILL reaches it.

    Ctrl-C, `timeout` and a service manager signal all processes of a run at once, and Prefect still tells
    the server how the run has ended: without one, it waits for minutes. What a thread does not hear, the
    processes that it starts do not hear either.

    Returns:
        The address of the server's API, which is PREFECT_API_URL from then on: it counts more than what a
        profile or a prefect.toml says.

    Raises:
        UserError: the server does not start, the disk has no room for it, or this machine cannot reach
            itself.
    """
    if url := os.environ.get(URL):
        return url
    _log().parent.mkdir(parents=True, exist_ok=True)
    disk.require_room(_log().parent)
    host = loopback.host()
    for _ in range(TRIES):  # another process may take the port in between
        port = loopback.free_port(host)
        started: list[subprocess.Popen[bytes]] = []
        thread = threading.Thread(target=_start_unheard, args=(host, port, started), daemon=True)
        thread.start()
        thread.join()
        if _is_healthy(started[0], host, port):
            os.environ[URL] = f"{loopback.url(host, port)}/api"
            _own.append(os.environ[URL])
            return os.environ[URL]
        started[0].kill()
    raise UserError(f"Prefect's server did not start ({_last_words()}); give the same command again")


def _log() -> Path:
    return Path(os.environ["PREFECT_HOME"]) / "server.log"


def _start_unheard(host: str, port: int, started: list[subprocess.Popen[bytes]]) -> None:
    """As Prefect's own temporary server is started, but with a log and an address of ours."""
    command = [sys.executable, "-m", "flows.running.server_process", str(os.getpid()), "--factory"]
    command += ["prefect.server.api.server:create_app", "--host", host, "--port", str(port)]
    command += ["--log-level", "error", "--lifespan", "on"]
    environment = {**os.environ, "PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}
    environment["PREFECT__SERVER_FINAL"] = "1"
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    with _log().open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    atexit.register(server.kill)
    started.append(server)


def _is_healthy(server: subprocess.Popen[bytes], host: str, port: int) -> bool:
    """Wait until the server answers; it has ended, or takes far too long, where it never will."""
    deadline = time.monotonic() + STARTS
    while server.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/api/health")
            if connection.getresponse().status == 200:
                return True
        time.sleep(0.1)
    return False


def _last_words() -> str:
    """The last line of the server's log, or that there is none."""
    with contextlib.suppress(OSError):
        if lines := _log().read_text(encoding="utf-8", errors="replace").split("\n"):
            return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return "it said nothing"


Record = Callable[[], Mapping[str, Any] | None]


@contextlib.contextmanager
def outlived(url: str, record: Record, show: Callable[[], int | None]) -> Iterator[None]:
    """While the block lasts, let the run outlive its server.

    Stages need no server; only Prefect at the end of a run does, and would wait for it for minutes. So
    when the run has ended (`record`) and the block has not after a while, `show` is called and this
    process ends with its exit code. A run that has not begun cannot without a server: it ends with 1.
    """
    over = threading.Event()
    threading.Thread(target=_outlive, args=(url, record, show, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _outlive(url: str, record: Record, show: Callable[[], int | None], over: threading.Event) -> None:
    refused = ended = 0
    while ended < PATIENCE_AT_END and not over.wait(1):
        now = record()
        if now is not None and now["state"] != "running":
            ended += PATIENCE if refused >= PATIENCE else 1
        refused = refused + 1 if refused >= PATIENCE or _refuses(url) else 0
        if refused == PATIENCE:
            logging.disable()  # Prefect's threads complain of it at length
            print(f"note: Prefect's server at {url} is gone; the stages go on without it", file=sys.stderr)
        if refused >= PATIENCE and now is None:
            print("error: the run has not begun; give the same command again", file=sys.stderr)
            os._exit(EXIT_FAILED)
    if not over.is_set():
        code = show()
        sys.stdout.flush()
        os._exit(EXIT_FAILED if code is None else code)


def sentence_of(error: Exception) -> str | None:
    """The one sentence for an error of the server's; None for any other."""
    import httpx

    if isinstance(error, httpx.HTTPError) or "Failed to reach API" in str(error):
        reason = " ".join(str(error).split(" - ")[0].split())
        return f"Prefect's server did not do its part ({reason}); give the same command again"
    return None


def _refuses(url: str) -> bool:
    """Tell whether nobody listens at `url`; a server that is only slow does."""
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except TimeoutError:
        return False
    except OSError:
        return True
    return False
