"""What the watch over traffic may find in the project's files: one sentence each, and nothing lost. Synthetic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from components.monitoring import retraining
from components.monitoring.traffic import comparing, judging
from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import Writer
from components.settings.retrain import Retrain
from components.settings.traffic import Traffic
from tests.params.messages import complaint
from tests.serving import tiny

DAY = datetime(2026, 11, 2, 12, tzinfo=UTC)
SETTINGS = Traffic(reference_rows=10, min_rows=10, days_between_false_alarms=10)
FOLDER = Path(SETTINGS.folder)


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> RowMaker:
    model = tmp_path_factory.mktemp("bad") / "model"
    tiny.write_model(model)
    return RowMaker(model / "tokenizer.json", {"mood": ["bad", "good"]}, "v1", Traffic())


@pytest.fixture
def project(maker: RowMaker, tmp_path: Path) -> Path:
    """Two days of ten texts, the first of which is judged to be the reference."""
    for day in range(2):
        writer = Writer(Traffic(folder=str(tmp_path / FOLDER)), str(day))
        for number in range(10):
            answers = {"mood": {"label": "good", "probability": number / 10}}
            row = maker.row(number / 10, [f"text {number}"], answers)
            writer.add([{**row, "time": DAY + timedelta(days=day)}])
        writer.flush()
    return tmp_path


def judge(project: Path) -> int:
    return len(judging.judge_windows(project, SETTINGS, date(2026, 11, 4)))


def file_of(project: Path) -> Path:
    return next((project / FOLDER / "2026-11-03").glob("*.parquet"))


def changed(project: Path, name: str, values: pa.Array | None) -> None:
    """The second day's file with another column of this name, or without it."""
    table = pq.read_table(file_of(project))
    place = table.column_names.index(name)
    table = table.remove_column(place)
    pq.write_table(table if values is None else table.append_column(name, values), file_of(project))


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def reference(project: Path) -> Path:
    judge(project)
    for judged in (project / judging.FOLDER).iterdir():
        judged.unlink()
    return project / comparing.REFERENCES / "v1.parquet"


FILES: list[tuple[Callable[[Path], object], str]] = [
    (lambda root: torn(file_of(root)), r"2026-11-03/.*\.parquet: not a readable file of traffic .*; remove it"),
    (lambda root: file_of(root).write_text("id,text\n1,a\n"), r"not a readable file of traffic"),
    (lambda root: file_of(root).write_bytes(b""), r"not a readable file of traffic"),
    (lambda root: (file_of(root).unlink(), (root / FOLDER / "2026-11-03/a.parquet").mkdir()), r"a\.parquet: not a readable file"),
    (lambda root: changed(root, "release", None), r"not a file of traffic \(no column release\); remove it"),
    (lambda root: changed(root, "key", pa.array(["a"] * 10)), r"not a file of traffic \(column key is string, expected double\)"),
    (lambda root: changed(root, "release", pa.array([None] * 10, pa.string())), r"not a file of traffic \(column release has empty cells\)"),
    (lambda root: changed(root, "tokens", pa.array([2**62] * 10)), r"not a file of traffic \(column tokens is not from 0 to 1,000,000,000,000\)"),
    (lambda root: changed(root, "characters", pa.array([-5] * 10)), r"not a file of traffic \(column characters is not from 0"),
    (lambda root: changed(root, "release", pa.array(["v" * 300] * 10)), r"not a file of traffic \(a release has a name of more than 80"),
    (lambda root: changed(root, "sketch", pa.array([b"short"] * 10)), r"not a file of traffic \(a sketch is not 64 bytes long\)"),
    (lambda root: changed(root, "time", pa.array([DAY.replace(tzinfo=None)] * 10)), r"not a file of traffic \(column time is"),
    (lambda root: changed(root, "mood.label", pa.array([1.5] * 10)), r"references: its files do not fit each other .*mood\.label.*; remove the odd one"),
    (lambda root: changed(root, "mood.label", pa.array([["good"]] * 10)), r"not a file of traffic \(column mood\.label is list.*, expected string or double\)"),
    (lambda root: changed(root, "language", pa.array([1.0] * 10)), r"references: its files do not fit each other .*language.*; remove the odd one"),
    (lambda root: torn(reference(root)), r"references/v1\.parquet: not a readable file of traffic"),
    (lambda root: reference(root).write_bytes(file_of(root).read_bytes()[:-3]), r"references/v1\.parquet: not a readable file"),
    (lambda root: (judge(root), next((root / judging.FOLDER).iterdir()).write_text("{")), r"shifts/2026-11-03-v1\.json: "),
    (lambda root: (judge(root), next((root / judging.FOLDER).iterdir()).write_text('{"schema_version": 9}')), r"found 9, expected 1.*remove it: the window is judged again"),
]  # fmt: skip


@pytest.mark.parametrize(("break_", "sentence"), FILES)
def test_a_file_that_is_none_of_ours_is_named_with_what_to_do(
    project: Path, break_: Callable[[Path], object], sentence: str
) -> None:
    break_(project)
    with pytest.raises(UserError, match=sentence) as found:
        judge(project)
    assert len(str(found.value).splitlines()) == 1


STRAYS: list[Callable[[Path], object]] = [
    lambda root: (root / FOLDER / "2026-11-99").mkdir(),
    lambda root: (root / FOLDER / "2026-11-03/.part.parquet.tmp").write_text("half"),
    lambda root: (root / FOLDER / "notes.txt").write_text("mine"),
    lambda root: (root / "monitoring/shifts").mkdir(parents=True) or (root / "monitoring/shifts/a.json").write_text("x"),
]  # fmt: skip


@pytest.mark.parametrize("leave", STRAYS)
def test_what_lies_beside_our_files_is_left_alone(project: Path, leave: Callable[[Path], object]) -> None:
    own = set(project.rglob("*"))
    leave(project)
    strays = set(project.rglob("*")) - own
    assert strays
    assert judge(project) == 1
    assert strays <= set(project.rglob("*"))


def test_nothing_recorded_is_nothing_judged(tmp_path: Path) -> None:
    assert judge(tmp_path) == 0
    (tmp_path / FOLDER).parent.mkdir(parents=True)
    (tmp_path / FOLDER).write_text("a file")
    assert judge(tmp_path) == 0


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("retrain: {cooldown_days: 0}", "retrain.cooldown_days: found 0, input should be greater than 0"),
        ("retrain: {most_a_month: -1}", "retrain.most_a_month: found -1, input should be greater than 0"),
        ("retrain: {accepted_rows: many}", "retrain.accepted_rows: found 'many', expected a whole number"),
        ("retrain: {alarm: perhaps}", "retrain.alarm: found 'perhaps', expected true or false"),
        ("retrain: {cooldown: 3}", "retrain.cooldown: unknown key (did you mean 'cooldown_days'?)"),
        ("retrain: [alarm]", "retrain: found"),
        (
            "traffic: {days_between_false_alarms: 1}",
            "traffic.days_between_false_alarms: found 1, input should be",
        ),
        (
            "traffic: {days_between_false_alarms: 1000000}",
            "traffic.days_between_false_alarms: found 1000000, expected at most 3650 (ten years)",
        ),
        (
            "traffic: {reference_rows: 5, min_rows: 4}",
            "traffic.days_between_false_alarms: found 180, expected at most 31: with reference_rows 5 and "
            "min_rows 4 no shift is so rare; raise them",
        ),
        ("traffic: {keep_days: 0}", "traffic.keep_days: found 0, input should be greater than 0"),
        (
            "traffic: {redact: ['(']}",
            "traffic.redact: found '(', which is no regular expression",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(tiny_project: Path, section: str, sentence: str) -> None:
    assert sentence in complaint(tiny_project, "packages: {}", f"packages: {{}}\n{section}")


def test_a_request_of_another_version_keeps_the_policy_from_asking(tmp_path: Path) -> None:
    retraining.ask(tmp_path, Retrain(), "an alarm", "v1", {}, DAY)
    (file,) = (tmp_path / retraining.FOLDER).glob("*.json")
    file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(UserError, match=r"found 2, expected 1.*may be asked again"):
        retraining.ask(tmp_path, Retrain(), "an alarm", "v1", {}, DAY + timedelta(days=30))
