"""Answers of callers that wait for `onetrunk feedback`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.data.contract import accepted
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import Store
from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import Writer
from components.settings.traffic import Traffic
from flows import cli

FOLDER = Path("monitoring/feedback")
GOOD = {"request": "r", "task": "sentiment", "inputs": {"text": "late"}, "answer": {"label": "negative"}}
SPANS = [{"start": 0, "end": 3, "type": "PER"}]


def settings(folder: Path, **sections: Any) -> None:
    """Write sections into params.yaml; `...` takes one out."""
    file = folder / "params.yaml"
    whole = {**yaml.safe_load(file.read_text()), **sections}
    file.write_text(yaml.safe_dump({key: section for key, section in whole.items() if section is not ...}))


def put(**changes: Any) -> Feedback:
    """What the service would keep."""
    said = {"item": 0, "release": "v1.0.0", "received": "2026-11-29T04:00:00+00:00", **GOOD, **changes}
    one = Feedback(**said)
    Store(FOLDER, 10**9).add(one)
    return one


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of `onetrunk feedback`, and what it says."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["feedback", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def rows(task: str) -> list[tuple[Any, Any]]:
    return [(one.inputs, one.answer) for one in accepted.read(Path("accepted") / f"{task}.jsonl")]


def waiting() -> set[str]:
    return {key for key, _ in Store(FOLDER, 1).all_waiting()}


def record(tokenizer: Path, worker: str = "a", **texts: tuple[str, float]) -> None:
    """Traffic of today: request=(text, probability of "positive")."""
    traffic = Traffic(texts=True)
    writer = Writer(traffic, worker)
    maker = RowMaker(tokenizer, {"sentiment": ["negative", "positive"]}, "v1", traffic)
    for request, (text, probability) in texts.items():
        answers = {"sentiment": {"label": "positive", "probability": probability}}
        writer.add([maker.row(0.5, [text], answers, f"{request}/0", {"text": text})])
    writer.flush()
