"""Networks as people have them: a run reaches its Prefect server, or says in one sentence within seconds what is wrong."""

from __future__ import annotations

import os
import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from components.errors import UserError
from components.release.query import check_port
from flows import champion
from flows.running import prefect_server, proxies
from tests.flows.conftest import OWN_SERVER, Server
from tests.flows.running.environments.toy_project import STAGES, onetrunk, require

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.8)]


NOBODY = "http://127.0.0.1:9"  # port 9: nobody listens there
PROXIES = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOBODY),
    **dict.fromkeys(("all_proxy", "ALL_PROXY"), "socks5h://127.0.0.1:9"),
    **dict.fromkeys(("no_proxy", "NO_PROXY")),
}
PROFILES = f"""
active = "cloud"
[profiles.cloud]
PREFECT_API_URL = "{NOBODY}/api/accounts/a/workspaces/b"
PREFECT_API_KEY = "pnu_0000"
"""


def test_a_companys_machine_with_proxies_a_cloud_profile_and_a_stale_address(
    server: Server, project: Path
) -> None:
    """The run has a server of its own, reaches it past the proxies, says so, and leaves no process."""
    server.spare_first_start(project / OWN_SERVER)
    profiles = project.parent / "home/.prefect/profiles.toml"
    profiles.parent.mkdir(parents=True)
    profiles.write_text(PROFILES)
    (project / "prefect.toml").write_text(f'[api]\nurl = "{NOBODY}/api"\n')
    ended = onetrunk(
        project, "run", **PROXIES, HOME=str(profiles.parents[1]), PREFECT_PROFILE="cloud",
        PREFECT_API_URL=f"{NOBODY}/api",
    )  # fmt: skip
    assert ended.err == (
        f"note: nobody answers at {NOBODY}/api (PREFECT_API_URL); this run has a Prefect server of its own\n"
    )
    assert (ended.code, ended.ran, ended.left) == (0, STAGES, [])


def test_stages_keep_the_users_proxies_and_ask_this_machine_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from flows.running import dvc_stage

    for name, value in PROXIES.items():
        monkeypatch.setenv(name, value or "")
    monkeypatch.setattr(proxies, "set_aside", {})
    monkeypatch.setenv("NO_PROXY", "intranet")
    proxies.spare_this_machine()
    proxies.set_socks_aside()
    assert "ALL_PROXY" not in os.environ
    environment = dvc_stage.environment(tmp_path)
    assert {name: environment[name] for name in PROXIES if "no" not in name.lower()} == {
        name: value for name, value in PROXIES.items() if value
    }
    assert environment["no_proxy"] == environment["NO_PROXY"] == "intranet,127.0.0.1,localhost,::1"


@pytest.mark.parametrize(
    "url",
    [f"{NOBODY}/api", "http://nowhere.invalid/api", "http://192.0.2.1/api", "not an address", "http://[::/"],
)
def test_an_address_where_nobody_answers_is_known_within_seconds(url: str) -> None:
    began = time.monotonic()
    assert not prefect_server.answers(url)
    assert time.monotonic() - began < 30  # Prefect itself would try for minutes


def test_a_server_that_answers_or_is_only_slow_is_one(server: Server) -> None:
    assert prefect_server.answers(server.environment["PREFECT_API_URL"])
    with socket.create_server(("127.0.0.1", 0)) as slow:
        assert prefect_server.answers(f"http://127.0.0.1:{slow.getsockname()[1]}/api")


class _Service(BaseHTTPRequestHandler):
    """Answers as a Onetrunk service does."""

    def do_POST(self) -> None:
        body = b'{"answers": [{"mood": {"label": "up"}}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_a_service_of_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PROXIES.items():
        monkeypatch.setenv(name, value or "")
    monkeypatch.setattr(proxies, "set_aside", {})
    with HTTPServer(("127.0.0.1", 0), _Service) as service:
        Thread(target=service.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{service.server_port}"
        assert champion.ask_service(url, {"texts": [{"text": "a"}], "tasks": None}) == {
            "mood": {"label": "up"}
        }


def test_without_ipv4_the_runs_server_is_reached_by_ipv6(server: Server, project: Path) -> None:
    require("unshare", "--net", "ip", "link", "set", "lo", "up")
    only_ipv6 = "ip link set lo up; ip addr del 127.0.0.1/8 dev lo"
    require("unshare", "--net", "bash", "-c", f"{only_ipv6}; ip -6 addr show dev lo | grep -q ::1")
    server.spare_first_start(project / OWN_SERVER)
    ended = onetrunk(project, "run", shell=only_ipv6, wrapper=("unshare", "--net"))
    assert (ended.code, ended.err) == (0, "")
    assert (ended.ran, ended.left) == (STAGES, [])


def test_without_a_loopback_interface_it_is_one_sentence(project: Path) -> None:
    require("unshare", "--net", "true")
    ended = onetrunk(project, "run", wrapper=("unshare", "--net"))
    assert ended.code == 2
    assert "neither 127.0.0.1 nor ::1 can be reached on this machine" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert (ended.ran, ended.left) == (set(), [])


def test_a_port_of_ipv6_is_looked_at_too() -> None:
    with of_ipv6() as listener:
        listener.listen()
        with pytest.raises(UserError, match="is already taken"):
            check_port("::1", listener.getsockname()[1])


def of_ipv6() -> socket.socket:
    """A socket of ::1, or a skipped test."""
    listener = socket.socket(socket.AF_INET6)
    try:
        listener.bind(("::1", 0))
    except OSError as error:
        listener.close()
        pytest.skip(f"no IPv6 here: {error}")
    return listener
