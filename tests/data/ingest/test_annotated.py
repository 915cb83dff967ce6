"""What ingest notes of annotations: rows that the file sets aside, how far annotators agree, spans that cut words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components import params
from components.data.ingest.annotated import is_suspect
from components.data.ingest.ingest import ingest
from components.data.ingest.preview import preview
from components.data.ingest.records import INGEST, SpanPlaces
from components.data.sources.formats import read
from components.data.validation.page import render
from components.data.validation.validate import between_tasks, summarise, validate_task
from components.errors import UserError
from components.files import read_json
from components.settings.data import Source
from tests.data.kinds.kind import Kind

PRODIGY = [{"text": f"a {n}", "label": "xy"[n % 2], "answer": "accept"} for n in range(20)]
REJECTED = [{"text": f"b {n}", "answer": "reject"} for n in range(5)]


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def studio(n: int, *moods: str) -> dict:
    results = [
        {"from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": [mood]}}
        for mood in moods
    ]
    return {
        "id": n,
        "data": {"text": f"text {n}"},
        "annotations": [{"result": [result]} for result in results],
    }


def project(folder: Path, content: str, form: str) -> params.Project:
    (folder / "encoder").mkdir()
    source = {"path": "rows", "format": form}
    columns = {"text": "text", "label": "label"}
    Kind({"kind": "", "files": {"rows": content}, "task": {"source": source, "columns": columns}}).write(
        folder
    )
    return params.load()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_rejected_rows_at_the_beginning_stop_neither_check_nor_a_sample(here: Path) -> None:
    whole = project(here, lines([*REJECTED, *PRODIGY]), "prodigy")
    preview(whole)
    source = Source(path="rows", format="prodigy", limit=7)
    records = list(read(source, {"text": "text"}, seed=1))
    assert [record.skipped for record in records].count("a row answered with reject") == len(REJECTED)
    assert len([record for record in records if not record.skipped]) == 7


def test_a_file_of_rejected_rows_alone_is_one_sentence(here: Path) -> None:
    whole = project(here, lines(REJECTED), "prodigy")
    with pytest.raises(UserError, match="no row is left for t: a row answered with reject"):
        ingest("t", whole.tasks["t"], whole.seed, here / "data/t")


def test_the_report_says_how_far_annotators_agree(here: Path) -> None:
    tasks = [studio(n, "xy"[n % 2], "xy"[n % 2], "x") for n in range(20)]
    whole = project(here, json.dumps(tasks), "label_studio")
    ingest("t", whole.tasks["t"], whole.seed, here / "data/t")
    # Ten tasks have one opinion; of the three pairs of the others one agrees.
    assert read_json(here / "data/t" / INGEST)["crowd"] == {"rows": 20, "agreement": pytest.approx(2 / 3)}
    report = validate_task(here / "data/t", whole.tasks["t"].cleaning, whole.checks)
    page = render(summarise({"t": report}, between_tasks([here / "data/t"])))
    assert "20 texts have several annotators, who agree at 0.67" in page


@pytest.mark.parametrize(
    ("spans", "cut", "advice", "suspect"),
    [
        (100, 0, "", False),
        (100, 10, "", False),
        (100, 11, "", True),
        (1000, 3, "; `offsets: utf16` below source reads them", True),
        (1000, 2, "; `offsets: utf16` below source reads them", False),
    ],
)
def test_spans_that_cut_words_are_suspect_where_many_do_or_a_setting_mends_them(
    spans: int, cut: int, advice: str, suspect: bool
) -> None:
    assert is_suspect(SpanPlaces(spans=spans, cut=cut, first="row 1", advice=advice)) == suspect
