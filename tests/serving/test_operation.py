"""What the operator's page is given: the service's own days, and what `onetrunk serve` tells of releases."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from components.release import variables
from components.release.variables import ROLLOUT, TRAFFIC
from components.rollout.history import HISTORY
from serving import operation, pages
from tests.pages import operated
from tests.pages.served import CARD, served_with

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"


@pytest.fixture(autouse=True)
def _told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "served", served_with)
    for name in (variables.TOKEN_FILE, variables.TOKEN):
        monkeypatch.delenv(name, raising=False)
    operated.write_history(tmp_path)
    monkeypatch.setenv(ROLLOUT, str(tmp_path))


def asked(path: str, host: str = HERE, **headers: str) -> Any:
    with TestClient(pages.app, "http://127.0.0.1:3000", client=(host, 1)) as client:
        return client.get(path, headers=headers)


def test_the_page_is_given_releases_trials_and_drift_and_no_path_of_the_machine(tmp_path: Path) -> None:
    reply = asked("/history", ELSEWHERE)
    said = reply.json()
    assert [one["report"] for one in said["champions"]] == [False, True, True]
    assert [one["state"] for one in said["trials"]] == ["running", "fell back"]
    assert [one["alarm"] for one in said["drift"]] == [True, False]
    assert (said["version"], said["days"]) == ("1", [])
    assert str(tmp_path) not in reply.text


def test_a_release_that_was_forced_is_shown_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    forced = CARD.model_copy(update={"verdict": "HOLD", "forced": "accepted by <Ada>"})
    for card, said in ((CARD, ">PROMOTE<"), (forced, ">HOLD, forced: accepted by &lt;Ada&gt;<")):
        monkeypatch.setattr(pages, "served", partial(served_with, card))
        assert said in asked("/operate").text


def test_days_are_those_that_the_service_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = operated.write_days(tmp_path / "traffic", 3)
    monkeypatch.setenv(TRAFFIC, traffic.model_dump_json())
    first, _, last = asked("/history").json()["days"]
    assert first["day"] < last["day"]
    assert (first["texts"], first["characters"]) == (3, 97.0)
    assert last["confidence"] == {"sentiment": pytest.approx(0.62)}
    (tmp_path / "traffic" / last["day"] / "torn.parquet").write_bytes(b"torn")
    assert [one["day"] for one in asked("/history").json()["days"]][-1] < last["day"]


@pytest.mark.parametrize("content", ["{", '{"schema_version": 9}'])
def test_a_history_that_cannot_be_read_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / HISTORY).write_text(content)
    assert asked("/history").json()["champions"] == []


def test_a_report_is_a_page_of_a_release_that_the_history_names() -> None:
    reply = asked("/report?release=v1.1.0")
    assert "How good v1.1.0 is" in reply.text
    assert reply.headers["content-security-policy"] == "sandbox allow-scripts"
    for release in ("v1.2.0", "v9.9.9", "", "/etc/passwd", "../v1.1.0"):
        refused = asked(f"/report?release={release}")
        assert (refused.status_code, refused.json()) == (
            404,
            {"error": f"release: there is no report of '{release}' here"},
        )


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        (ELSEWHERE, {}),
        (HERE, {"X-Forwarded-For": ELSEWHERE}),
        (HERE, {"Via": "1.1 proxy"}),
        ("socket", {}),
        (HERE, {"Host": "rebound.example:3000"}),  # a page elsewhere, whose name leads here by now
    ],
)
def test_test_rows_are_shown_to_nobody_elsewhere_who_has_no_token(host: str, headers: dict[str, str]) -> None:
    reply = asked("/report?release=v1.1.0", host, **headers)
    assert reply.status_code == 403
    assert "How good" not in reply.text


@pytest.mark.parametrize("name", ["localhost:3000", "[::1]:3000", "127.0.0.1"])
def test_who_calls_this_machine_by_its_name_may_read_a_report(name: str) -> None:
    assert asked("/report?release=v1.1.0", Host=name).status_code == 200


def test_who_has_sent_a_token_may_read_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is a good one is `Access`'s to say, before."""
    monkeypatch.setenv(variables.TOKEN, "0123456789abcdef0123456789abcdef")
    assert asked("/report?release=v1.1.0", ELSEWHERE).status_code == 200
