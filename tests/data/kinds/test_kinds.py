"""Files and settings as people have them: a table, one row a kind (the YAML files beside this one).

Of each row: `kind`, its name; `files`, their texts by name; `made`, a function of made.py that writes what is
no text; `cycled`, by the name of a file its `header`, `lines` that are written `times` times, with another text
in the place of each @, and its `footer`; `task`, what is said of it over `kind.TASK`; `project`, sections of params.yaml over
the test's. Then what comes out: `rows`, the values of its columns, in any order (`of` names the columns; left
out: the inputs and the targets); `distinct`, the different values of columns; `counts`, how many are read,
removed and skipped; `refused`, words of the one sentence that ends it; `warned`, words of what validation
finds (`[]`: it finds nothing; left out: it is not asked).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from components import params
from components.data.contract.splits import SPLITS
from components.data.ingest.ingest import ingest
from components.data.ingest.records import INGEST
from components.data.validation.validate import validate_task
from components.errors import UserError
from components.files import read_json
from tests.data.kinds.kind import KEYS, Kind

pytestmark = pytest.mark.usefixtures("no_measure_is_judged_twice")
FOLDER = Path(__file__).parent


def kinds() -> list[Any]:
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        for number, given in enumerate(yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)):
            assert given.keys() <= KEYS, f"{file.name}: {given.keys() - KEYS}"
            marks = [pytest.mark.slow] if number else []  # the first of each file is quick
            found.append(pytest.param(Kind(given), id=f"{file.stem}: {given['kind']}", marks=marks))
    return found


def taken() -> pl.DataFrame:
    """The rows of data/t, of all splits."""
    return pl.concat([pl.read_parquet(f"data/t/{split}.parquet") for split in SPLITS])


def read() -> None:
    project = params.load()
    ingest("t", project.tasks["t"], project.seed, Path("data/t"))


def found() -> str:
    """What validation finds, but for what is due to few rows."""
    project = params.load()
    report = validate_task(Path("data/t"), project.tasks["t"].cleaning, project.checks)
    return "\n".join(
        f"{check.title}: {check.detail}"
        for check in report.checks
        if check.status != "pass" and not check.title.startswith("at least ")
    )


@pytest.mark.slow_after(8)
@pytest.mark.parametrize("kind", kinds())
def test_of_every_kind_the_right_rows_come_out_or_the_right_sentence(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encoder").mkdir()
    kind.write(tmp_path)
    if "refused" in kind.given:
        with pytest.raises(UserError) as refused:
            read()
        said = str(refused.value)
        assert "\n" not in said
    else:
        read()
        _compare(kind)
        said = found() if "warned" in kind.given else ""
    assert bool(said) == bool(kind.words), said
    for words in kind.words:
        assert words in said


def _compare(kind: Kind) -> None:
    if "rows" in kind.given:
        rows = taken()
        rows = rows.select(kind.given.get("of") or _told(rows))
        assert sorted(map(list, rows.iter_rows()), key=repr) == sorted(kind.given["rows"], key=repr)
    for name, values in kind.given.get("distinct", {}).items():
        different = {repr(value): value for value in taken()[name].to_list()}.values()
        assert sorted(different, key=repr) == sorted(values, key=repr)
    if "counts" in kind.given:
        found = read_json(Path("data/t") / INGEST)
        found = {"read": found["read"]["rows"], **found["removed"], **found["read"]["skipped"]}
        assert {key: found.get(key, 0) for key in kind.given["counts"]} == kind.given["counts"]


def _told(rows: pl.DataFrame) -> list[str]:
    """The columns of the inputs and the targets: not those of the row itself, nor those without a value."""
    empty = {name for name in rows.columns if rows[name].null_count() == len(rows)}
    return [name for name in rows.columns if name not in {"id", "groups", *empty}]
