"""Requests for a retraining: how often the policy allows one, and that several who ask are one."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from components.errors import UserError
from components.monitoring import retraining
from components.monitoring.retraining import Request
from components.settings.retrain import Retrain
from components.turn import turn

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


def ask(root: Path, days: float = 0, policy: Retrain | None = None, **accepted: int) -> Request | str:
    when = NOW + timedelta(days=days)
    return retraining.ask(root, policy or Retrain(), "an alarm", "v1.0.0", accepted, when)


def run(seconds: float) -> tuple[datetime, datetime]:
    """When a run began, so long after the request, and ended."""
    return NOW + timedelta(seconds=seconds), NOW + timedelta(seconds=seconds, hours=1)


def test_a_request_is_a_file_that_a_run_answers(tmp_path: Path) -> None:
    asked = ask(tmp_path)
    assert isinstance(asked, Request)
    assert asked.name == "20261102T080000Z"
    assert retraining.every(tmp_path) == [asked]
    assert retraining.is_open(tmp_path, asked.name)
    assert not retraining.is_open(tmp_path, "20261102T080001Z")
    assert retraining.reason(tmp_path, *run(1)) == "an alarm"
    retraining.answer(tmp_path, "release v1.0.1", *run(1))
    assert retraining.every(tmp_path)[0].outcome == "release v1.0.1"
    assert not retraining.is_open(tmp_path, asked.name)
    assert retraining.reason(tmp_path, *run(1)) is None


def test_a_run_does_not_answer_what_was_asked_after_it_began(tmp_path: Path) -> None:
    ask(tmp_path)
    assert retraining.reason(tmp_path, *run(-1)) is None  # so no two releases name it
    retraining.answer(tmp_path, "everything is up to date", *run(-1))
    assert retraining.reason(tmp_path, *run(1)) == "an alarm"


def test_what_is_asked_after_the_run_began_is_of_a_later_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    began = datetime.now(UTC) - timedelta(days=9)
    for days, why in ((-1, "an alarm"), (8, "rows")):
        retraining.ask(tmp_path, Retrain(), why, "v1.0.0", {}, began + timedelta(days=days))
    monkeypatch.delenv(retraining.BEGAN, raising=False)
    assert retraining.because(tmp_path) == "an alarm; rows"
    monkeypatch.setenv(retraining.BEGAN, began.isoformat())
    assert retraining.because(tmp_path) == "an alarm"


def test_the_cooldown_holds_whatever_the_run_came_to(tmp_path: Path) -> None:
    ask(tmp_path)
    retraining.answer(tmp_path, "held", *run(3600))
    assert ask(tmp_path, 6.9) == (
        "one was asked for on 2026-11-02, and retrain.cooldown_days waits until 2026-11-09"
    )
    assert isinstance(ask(tmp_path, 7), Request)
    assert str(ask(tmp_path, 8)).startswith("one was asked for on 2026-11-09")


def test_the_budget_of_a_month_holds_and_the_next_month_has_its_own(tmp_path: Path) -> None:
    policy = Retrain(cooldown_days=1, most_a_month=2)

    def asked_and_answered(days: float) -> bool:
        found = ask(tmp_path, days, policy)
        retraining.answer(tmp_path, "held", *run(days * 86_400 + 1))
        return isinstance(found, Request)

    assert [asked_and_answered(days) for days in (0, 1, 2, 27)] == [True, True, False, False]
    assert ask(tmp_path, 3, policy) == (
        "2 that were asked for in November have come to an end, as many as retrain.most_a_month allows"
    )
    evening = datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=2)))  # November goes on in UTC
    assert str(retraining.ask(tmp_path, policy, "an alarm", "v1.0.0", {}, evening)).startswith(
        "2 that were asked for in Nov"
    )
    assert isinstance(ask(tmp_path, 29, policy), Request)  # the first of December


def test_trainings_that_failed_on_their_way_take_nothing_of_the_months_budget(tmp_path: Path) -> None:
    """The cooldown alone keeps them apart; one run then answers all of them, and counts once."""
    policy = Retrain(cooldown_days=1, most_a_month=2)
    assert all(isinstance(ask(tmp_path, days, policy), Request) for days in range(5))
    retraining.answer(tmp_path, "release v1.0.1", *run(5 * 86_400))
    assert isinstance(ask(tmp_path, 6, policy), Request)
    retraining.answer(tmp_path, "release v1.0.2", *run(6 * 86_400 + 1))
    assert str(ask(tmp_path, 7, policy)).startswith("2 that were asked for in November have come to an end")


def test_a_request_is_of_a_second_in_utc_whatever_the_clock_says(tmp_path: Path) -> None:
    here = (NOW + timedelta(microseconds=9)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    asked = retraining.ask(tmp_path, Retrain(), "an alarm", "v1.0.0", {}, here)
    assert isinstance(asked, Request)
    assert (asked.name, asked.asked) == ("20261102T080000Z", NOW)
    assert retraining.every(tmp_path) == [asked]


def test_a_note_on_a_request_waits_for_its_turn_and_undoes_no_other(tmp_path: Path) -> None:
    request = ask(tmp_path)
    assert isinstance(request, Request)
    with turn(tmp_path / retraining.FOLDER / ".lock"):
        noting = threading.Thread(
            target=retraining.change, args=(tmp_path, request.name), kwargs={"sent": True}
        )
        noting.start()
        noting.join(0.05)
        retraining.write(tmp_path, request.model_copy(update={"outcome": "held"}))
    noting.join()
    (found,) = retraining.every(tmp_path)
    assert (found.sent, found.outcome) == (True, "held")


def test_of_many_that_ask_at_once_one_does(tmp_path: Path) -> None:
    """Each opens the lock anew, as another process does."""
    found: list[Request | str] = []
    all_there = threading.Barrier(16)

    def one() -> None:
        all_there.wait()
        found.append(ask(tmp_path))

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, Request) for one in found) == 1
    assert len(retraining.every(tmp_path)) == 1


def test_rows_that_a_request_has_counted_are_no_reason_for_another(tmp_path: Path) -> None:
    ask(tmp_path, mood=200, intent=10)
    retraining.answer(tmp_path, "held", *run(1))
    assert retraining.new_rows(tmp_path, "v1.0.0", {"mood": 230, "intent": 10, "slots": 5}) == {
        "mood": 30, "slots": 5,
    }  # fmt: skip
    assert retraining.new_rows(tmp_path, "v1.0.1", {"mood": 30}) == {"mood": 30}
    ask(tmp_path, 7, mood=230)
    retraining.answer(tmp_path, "held", *run(8 * 86_400))
    assert retraining.new_rows(tmp_path, "v1.0.0", {"mood": 235}) == {"mood": 5}


def test_rows_of_a_request_that_nobody_has_answered_stay_a_reason(tmp_path: Path) -> None:
    """The run that was started for it died on its way."""
    ask(tmp_path, mood=200)
    assert retraining.new_rows(tmp_path, "v1.0.0", {"mood": 230}) == {"mood": 230}


@pytest.mark.parametrize("policy", [Retrain(), Retrain(cooldown_days=1, most_a_month=1)])
def test_a_clock_that_is_behind_that_of_who_asked_asks_no_second_time(
    tmp_path: Path, policy: Retrain
) -> None:
    """Who waited for the lock, too, has looked at the clock before."""
    ask(tmp_path)
    assert isinstance(ask(tmp_path, -1 / 86_400, policy), str)
    assert isinstance(ask(tmp_path, -0.9, policy), str)
    assert len(retraining.every(tmp_path)) == 1


def test_a_request_by_a_clock_that_was_years_ahead_holds_nothing_up(tmp_path: Path) -> None:
    ask(tmp_path, 3650)
    assert isinstance(ask(tmp_path), Request)
    retraining.answer(tmp_path, "release v1.0.1", *run(1))
    assert [one.outcome for one in retraining.every(tmp_path)] == ["release v1.0.1"] * 2


ALTERED = '{"schema_version": 1, "asked": "2026-11-02T08:00:00", "reason": "r", "release": "v1"}'


@pytest.mark.parametrize(("text", "says"), [("", "not JSON"), ("{", "not JSON"), *((text, "may be asked again")
    for text in ("[]", '{"schema_version": 2}', '{"schema_version": 1}', ALTERED))])  # fmt: skip
def test_a_damaged_request_is_named_with_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    ask(tmp_path)
    (file,) = (tmp_path / retraining.FOLDER).glob("*.json")
    file.write_text(text)
    with pytest.raises(UserError, match=rf"20261102T080000Z\.json.*{says}"):
        ask(tmp_path, 10)
    assert retraining.because(tmp_path) is None  # a release of the gate's is made without it
