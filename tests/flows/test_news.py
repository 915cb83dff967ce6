"""What a run has come to, in the words that people are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.evaluation.records import VERDICT, GateOutcome, ModelId, Outcome, TaskVerdict, Verdict
from flows.notifications import news
from flows.notifications.news import News, of_run

RAN = {"train": 9.0, "gate": 1.0, "release": 1.0}
HELD = {"gate": "the gate says no"}


def judged(root: Path, outcome: Outcome, dropped: dict[str, str] | None = None, **gates: GateOutcome) -> None:
    """The verdict of the run that was."""
    tasks = {
        name: TaskVerdict(metric="accuracy", floor=0.5, margin=0.1, gate=gate, why=f"it is {gate}")
        for name, gate in gates.items()
    }
    Verdict(
        verdict=outcome,
        model=ModelId(sha256="m"),
        champion=None,
        confidence=0.95,
        tasks=tasks,
        dropped=dropped or {},
    ).write(root / VERDICT)


def told(root: Path, verdict: str | None = None, **record: Any) -> list[News]:
    """Of a run with this record."""
    return of_run(root, {"verdict": verdict, "stages": RAN, "failed": {}, **record})


def test_a_release_is_told_where_this_run_has_made_it(tmp_path: Path) -> None:
    (one,) = told(tmp_path, "PROMOTE", release="v1.2.0")
    assert one.text("desk") == (
        f"desk: the gate says PROMOTE, and release v1.2.0 is the champion. More: cd {tmp_path} && onetrunk status"
    )
    assert told(tmp_path, "PROMOTE", stages={"train": 1.0}) == []  # it is of an earlier run
    assert told(tmp_path) == []
    (failed,) = told(tmp_path, "PROMOTE", failed={"query": "the Bento did not start"})
    assert (failed.kind, failed.task) == ("failure", "query")  # nothing is released


@pytest.mark.parametrize(("outcome", "kind"), [("HOLD", "hold"), ("REJECT", "reject")])
def test_who_keeps_a_model_back_is_named_with_why(tmp_path: Path, outcome: Outcome, kind: str) -> None:
    judged(tmp_path, outcome, {"gone": "the champion answers it"}, mood="hold", topic="pass", people="reject")
    (one,) = told(tmp_path, outcome, failed=HELD)
    assert (one.kind, one.task) == (kind, "mood, people, gone")
    assert one.why == "mood: it is hold; people: it is reject; gone: the champion answers it"
    assert one.text("desk").startswith(
        f"desk: the gate says {outcome}, and nothing new is released. mood: it"
    )


def test_what_has_failed_beside_the_gate_is_told_too(tmp_path: Path) -> None:
    judged(tmp_path, "HOLD", mood="hold")
    held, failed = told(tmp_path, "HOLD", failed={**HELD, "alone@mood/1": "no room"})
    assert (held.kind, failed.kind) == ("hold", "failure")
    assert (failed.task, failed.why) == ("alone@mood/1", "alone@mood/1: no room")
    assert failed.command == f"cd {tmp_path} && cat .onetrunk/logs/alone@mood.1.log"
    assert told(tmp_path, "HOLD", failed={"train": "no room"})[0].kind == "failure"  # an earlier verdict


def test_a_run_without_a_record_is_told_by_what_it_said(tmp_path: Path) -> None:
    (one,) = of_run(tmp_path, None, "params.yaml: no such key")
    assert (one.kind, one.task, one.why) == ("failure", "", "params.yaml: no such key")
    assert one.command.endswith("onetrunk status")


def test_a_paragraph_stays_one_whatever_failed_and_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_TOKEN", "verysecretword")
    failed = {name: f"said\n{name} verysecretword " + "x" * 999 for name in "abcde"}
    (one,) = told(tmp_path, failed=failed)
    assert one.why.count("\n") == one.why.count("verysecretword") == 0
    assert one.why.count("; ") == 3
    assert one.why.endswith("; and 2 more")
    assert len(one.why) < 4 * news.LONGEST


def test_a_project_is_called_as_its_settings_say_or_as_its_folder(tmp_path: Path) -> None:
    assert news.project_name(tmp_path) == tmp_path.name
    (tmp_path / "params.yaml").write_text("packaging: [1")
    assert news.project_name(tmp_path) == tmp_path.name
    (tmp_path / "params.yaml").write_text("packaging: {name: desk}")
    assert news.project_name(tmp_path) == "desk"
