"""What the champion answers to accepted feedback, by real, tiny models of random weights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from components import params
from components.data.contract import accepted
from components.data.contract.accepted import Accepted
from flows.monitoring import heard
from serving.predictor import Predictor
from tests.release import bentos
from tests.serving import tiny


def row(text: str, label: str, day: int = 3, head: str = "sentiment") -> Accepted:
    return Accepted(
        id=text, time=f"2026-11-{day:02}T08:00:00+00:00", head=head, inputs={"text": text}, answer={"label": label}
    )  # fmt: skip


def test_accepted_rows_say_whether_the_model_was_right_and_how_sure(tmp_path: Path) -> None:
    tiny.write_model(tmp_path / "model")
    predictor = Predictor(tmp_path / "model")
    said = predictor.predict(["a good day"], ["sentiment"])[0]["sentiment"].model_dump()
    wrong = next(label for label in ("negative", "positive") if label != said["label"])
    rows = [
        row("a good day", wrong, day=5),  # whoever says so later
        row("a good day", wrong, day=4),
        row("a good day", said["label"]),
        row("a day", "none of them", day=4),
        row("", said["label"]),  # refused
        row("Ada", "PER", head="ner"),  # no label with a probability
        row("a", "b", head="gone"),
    ]
    found = list(heard.judged(predictor, rows))
    assert [(one.task, one.day, one.right) for one in found] == [
        ("sentiment", date(2026, 11, 3), True), ("sentiment", date(2026, 11, 4), False),
    ]  # fmt: skip
    assert found[0].probability == pytest.approx(said["probability"])


@pytest.mark.slow
def test_of_accepted_rows_the_champion_alone_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tiny.write_project(bentos.repository(tmp_path / "project"))
    for version in ("a", "b"):
        tiny.write_model(tmp_path / version, seed=ord(version))
        bentos.release(project, version, tmp_path / version)
    later = {"time": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    rows = [row("b", "positive"), row("a", "positive").model_copy(update=later)]
    # one character is as much as these releases take
    accepted.add(project / accepted.FOLDER / "sentiment.jsonl", rows)
    monkeypatch.chdir(project)
    found = heard.feedback(project, params.load())
    assert [one.task for one in found.heard("v1.0.1")] == ["sentiment"]
    assert found.heard("v1.0.0") == []
    assert found.margins["sentiment"] > 0
