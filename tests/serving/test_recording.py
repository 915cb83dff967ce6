"""What a service records of requests, by BentoML's interface for monitoring, in this process."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bentoml._internal.monitoring import api

from components.monitoring.traffic import store
from components.monitoring.traffic.rows import RowMaker
from components.release.records import BundleCard
from components.release.variables import TRAFFIC
from components.settings.traffic import Traffic
from serving import recording
from serving.bundle import Served
from serving.predictor import Predictor
from serving.requests import Item
from serving.watch import REQUEST
from tests.serving import tiny


@pytest.fixture(autouse=True)
def _no_monitor_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """BentoML keeps each monitor, with the writer that it was made with, for the life of the process."""
    monkeypatch.setattr(api, "_MONITOR_INSTANCES", {})


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    tiny.write_model(tmp_path / "model")
    return Predictor(tmp_path / "model")


def test_a_request_is_recorded_with_what_it_was_answered_and_without_its_words(
    predictor: Predictor, tmp_path: Path
) -> None:
    traffic = Traffic(folder=str(tmp_path / "traffic"))
    labels = {"sentiment": ["negative", "neutral", "positive"]}
    maker = RowMaker(tmp_path / "model/tokenizer.json", labels, "v1", traffic)
    recorder = recording.Recorder(traffic)
    items = ["ada was in rome", Item(text="ada", text_pair="bob")]
    answers = predictor.predict(items)
    for item, answer in zip(items, answers, strict=True):
        recorder.record([item], [answer], maker)
    recorder.record(["bob"], [], maker)  # a mistake of ours costs the caller nothing
    recorder.writer.flush()
    alone, pair = (
        store.read(Path(traffic.folder), datetime.now(UTC).date(), 10).sort_by("characters").to_pylist()[::-1]
    )
    assert (alone["characters"], pair["characters"]) == (15, 6)
    assert alone["sentiment.label"] == answers[0]["sentiment"].model_dump()["label"]
    assert (alone["similarity.score"], pair["sentiment.label"]) == (None, None)
    assert pair["similarity.score"] == pytest.approx(answers[1]["similarity"].model_dump()["score"])
    written = b"".join(file.read_bytes() for file in tmp_path.glob("traffic/*/*.parquet"))
    assert b"rome" not in written


def test_a_row_names_the_release_that_answered_which_may_be_a_candidate(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = Traffic(folder=str(tmp_path / "traffic"))
    monkeypatch.setenv(TRAFFIC, traffic.model_dump_json())
    first, candidate = (Served(tmp_path / "model", release) for release in ("v1.0.0", "v1.0.1"))
    for one in (first, candidate):
        vars(one)["card"] = BundleCard.model_construct(tasks={})
    recorder = recording.Recorder(traffic)
    monkeypatch.setattr(recording, "recorder", lambda: recorder)
    for by in (first, candidate, first):
        recording.record(["a"], [{}], by)
    recorder.writer.flush()
    found = store.read(Path(traffic.folder), datetime.now(UTC).date(), 10)["release"].to_pylist()
    assert sorted(found) == ["v1.0.0", "v1.0.0", "v1.0.1"]


def test_where_texts_are_kept_the_request_of_each_is_known(predictor: Predictor, tmp_path: Path) -> None:
    traffic = Traffic(folder=str(tmp_path / "traffic"), texts=True)
    maker = RowMaker(tmp_path / "model/tokenizer.json", {}, "v1", traffic)
    recorder = recording.Recorder(traffic)
    token = REQUEST.set("c0ffee")
    recorder.record([Item(text="ada", text_pair="bob")], [{}], maker)
    REQUEST.reset(token)
    recorder.writer.flush()
    (row,) = store.read(Path(traffic.folder), datetime.now(UTC).date(), 10).to_pylist()
    assert (row["request"], row["inputs"]) == ("c0ffee/0", '{"text": "ada", "text_pair": "bob"}')


def test_requests_are_recorded_as_often_however_many_texts_they_have(
    predictor: Predictor, tmp_path: Path
) -> None:
    """Of a request one text, any; of a day as many requests of eight texts as of one."""
    traffic = Traffic(folder=str(tmp_path / "traffic"), rows_a_day=100)
    maker = RowMaker(tmp_path / "model/tokenizer.json", {}, "v1", traffic)
    recorder = recording.Recorder(traffic)
    random.seed(0)
    for _ in range(400):
        recorder.record(["a"], [{}], maker)
        recorder.record(["b" * (2 + place) for place in range(8)], [{}] * 8, maker)
    recorder.writer.flush()
    found = store.read(Path(traffic.folder), datetime.now(UTC).date(), 100)["characters"].to_pylist()
    assert len(found) == 100
    assert 35 <= sum(length > 1 for length in found) <= 65
    assert len(set(found)) == 9


def test_a_disk_that_is_full_does_not_end_the_recording(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = Traffic(folder=str(tmp_path / "traffic"))
    maker = RowMaker(tmp_path / "model/tokenizer.json", {}, "v1", traffic)
    recorder = recording.Recorder(traffic)
    logged: list[str] = []
    monkeypatch.setattr(recording.LOG, "exception", logged.append)
    recorder.record(["a"], [{}], maker)
    Path(traffic.folder).write_text("in the way")
    recorder.write()
    Path(traffic.folder).unlink()
    recorder.write()
    assert len(store.read(Path(traffic.folder), datetime.now(UTC).date(), 100)) == 1
    assert logged == ["traffic cannot be written; it is held for a day at most"]


def test_nothing_is_recorded_unless_whoever_serves_has_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRAFFIC, raising=False)
    recording.recorder.cache_clear()
    recording.record(["a"], [{}], Served(Path("nowhere")))
    recording.stop()
    assert recording.recorder() is None
