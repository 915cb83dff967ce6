"""From what the watch has found to a request for a retraining."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger
from prefect.states import Completed

from components.monitoring import retraining
from components.monitoring.traffic.records import Moved, Window
from components.settings.retrain import Retrain
from flows import retrain
from flows.monitoring import asking
from flows.running import events

NOW = datetime(2026, 11, 5, tzinfo=UTC)


def window(release: str = "v1.0.0", alarm: bool = True, day: int = 4) -> Window:
    moved = Moved(subject="mood.label", p=0.001, words="mood.label: bad 10% → 60%", typical=["a", "b"])
    return Window(
        release=release, first=date(2026, 11, day), last=date(2026, 11, day), texts=900, reference=1000,
        days_between_false_alarms=180, p=0.001, alarm=alarm, moved=[moved] if alarm else [], raised=False,
    )  # fmt: skip


def test_an_alarm_and_enough_rows_are_one_request_with_both_reasons(tmp_path: Path) -> None:
    policy = Retrain(accepted_rows=110)
    windows = [window(day=3), window(), window(alarm=False, day=5)]
    said = asking.ask(tmp_path, policy, "v1.0.0", windows, {"mood": 90, "intent": 20}, NOW)
    (request,) = retraining.every(tmp_path)
    assert said == f"a retraining is asked for ({request.name})"
    assert request.reason == (
        "the alarm of 2026-11-04, release v1.0.0, 900 texts: SHIFTED (p = 0.001), mood.label: bad 10% → 60%; "
        "110 rows of feedback accepted since v1.0.0 (mood 90, intent 20)"
    )
    said_again = asking.ask(tmp_path, policy, "v1.0.0", [window()], {"mood": 90, "intent": 20}, NOW)
    assert said_again == said  # the server was away, and the next watch sends both events
    other = asking.ask(tmp_path, policy, "v1.0.0", [window(day=5)], {}, NOW)
    assert other.startswith("no retraining is asked for: ")
    assert retraining.every(tmp_path) == [request]
    retraining.change(tmp_path, request.name, sent=True)
    again = asking.ask(tmp_path, policy, "v1.0.0", [window()], {"mood": 90, "intent": 20}, NOW)
    assert again.startswith("no retraining is asked for: one was asked for on 2026-11-05")
    retraining.change(tmp_path, request.name, sent=False, outcome="held")  # by a run that nobody had to start
    assert asking._unsent(tmp_path, request.reason) is None


def test_an_alarm_is_asked_again_after_the_cooldown_until_a_run_has_come_to_its_end(tmp_path: Path) -> None:
    """The run failed on its way; nobody has said anything since."""
    told = window().model_copy(update={"raised": True})

    def asked(days: float, *windows: Window) -> str:
        return asking.ask(tmp_path, Retrain(), "v1.0.0", windows, {}, NOW + timedelta(days=days))

    assert asked(0, window()).startswith("a retraining is asked for")
    retraining.change(tmp_path, retraining.every(tmp_path)[0].name, sent=True)
    assert "cooldown_days waits until 2026-11-12" in asked(6.9, told)
    calm = window(alarm=False, day=9).model_copy(update={"raised": True})
    assert asked(7, told, calm) == ""  # it no longer holds
    assert asked(7, told).startswith("a retraining is asked for")
    first, second = retraining.every(tmp_path)
    assert first.reason == second.reason
    began, ended = NOW + timedelta(days=7.1), NOW + timedelta(days=7.2)
    assert retraining.reason(tmp_path, began, ended) == first.reason
    retraining.answer(tmp_path, "held", began, ended)
    assert asked(30, told) == ""
    assert asked(30, told, window(day=13).model_copy(update={"raised": True})).startswith("a retraining is")


def test_an_alarm_within_the_cooldown_is_asked_for_after_it_unless_a_run_has_answered_since(
    tmp_path: Path,
) -> None:
    retraining.ask(tmp_path, Retrain(), "rows", "v1.0.0", {}, NOW - timedelta(days=3))
    told = window().model_copy(update={"raised": True})
    after = NOW + timedelta(days=4)
    asking.ask(tmp_path, Retrain(), "v1.0.0", [window()], {}, NOW)
    began = NOW - timedelta(days=2)
    retraining.answer(tmp_path, "held", began, began + timedelta(hours=1))
    assert asking.ask(tmp_path, Retrain(), "v1.0.0", [told], {}, after).startswith("a retraining is asked")


@pytest.mark.parametrize(
    ("policy", "champion", "windows", "rows"),
    [
        (None, "v1.0.0", [window()], 500),
        (Retrain(accepted_rows=100), None, [window()], 500),
        (Retrain(accepted_rows=100), "v1.0.0", [window(alarm=False)], 99),
        (Retrain(accepted_rows=100), "v1.0.1", [window("v1.0.0")], 99),  # of a release that is no more served
        (Retrain(alarm=False), "v1.0.0", [window()], 500),
    ],
)
def test_without_a_reason_nothing_is_asked(
    tmp_path: Path, policy: Retrain | None, champion: str | None, windows: list[Window], rows: int
) -> None:
    assert asking.ask(tmp_path, policy, champion, windows, {"mood": rows}, NOW) == ""
    assert retraining.every(tmp_path) == []


def test_a_damaged_request_does_not_change_what_a_run_has_come_to(tmp_path: Path) -> None:
    asking.ask(tmp_path, Retrain(), "v1.0.0", [window()], {}, NOW)
    (file,) = (tmp_path / retraining.FOLDER).glob("*.json")
    whole = file.read_text()
    file.write_text(whole[:-20])
    with disable_run_logger():
        retrain._answer(tmp_path, None, Completed(message="everything is up to date"))
        file.write_text(whole)
        assert retraining.every(tmp_path)[0].outcome is None
        retrain._answer(tmp_path, None, Completed(message="everything is up to date"))
    assert retraining.every(tmp_path)[0].outcome == "everything is up to date"


def test_an_answer_that_comes_while_the_event_is_on_its_way_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that the event starts may end before the sender hears that the server shows it."""
    asking.ask(tmp_path, Retrain(), "v1.0.0", [window()], {}, NOW)

    def answered(*_: object) -> None:
        retraining.answer(tmp_path, "release v1.0.1", NOW, NOW)

    monkeypatch.setattr(events, "send", answered)
    asking.send(tmp_path, "mine")
    (request,) = retraining.every(tmp_path)
    assert (request.outcome, request.sent) == ("release v1.0.1", True)


def test_what_was_sent_or_is_answered_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(events, "send", lambda _, some: sent.extend(one.payload["reason"] for one in some))
    policy, asked = Retrain(cooldown_days=1), []
    for day, reason in enumerate(("sent", "answered", "open")):
        asked.append(retraining.ask(tmp_path, policy, reason, "v1.0.0", {}, NOW + timedelta(days=day)))
    retraining.change(tmp_path, asked[0].name, sent=True)
    retraining.change(tmp_path, asked[1].name, outcome="held")
    for _ in range(2):
        asking.send(tmp_path, "mine")
    assert sent == ["open"]


def test_what_nobody_has_asked_here_starts_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another project's request, which the same trigger has heard."""
    monkeypatch.setattr(retrain.orphans, "claim_and_sweep", lambda root: None)  # there is no server
    state = retrain._in_turn(tmp_path, None, 1, "20260101T000000Z")
    assert state.is_cancelled()
    assert (state.message or "").startswith("no open request 20260101T000000Z")
