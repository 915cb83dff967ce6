"""Files as tools export them, as public data sets are, and broken ones (tests/data/exports/, corpora.py and
layouts.py): each is understood, asked about, or refused; and `onetrunk check` takes what is proposed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.data.propose import Question, Terms, Wishes, guess, trial
from components.errors import UserError
from flows.new_task import with_arguments
from tests.conftest import PARAMS
from tests.data.corpora import CORPORA
from tests.data.exports import EXPORTS
from tests.data.layouts import LAYOUTS
from tests.data.shapes import Shape

pytestmark = pytest.mark.usefixtures("no_measure_is_judged_twice")
ALL = [*EXPORTS, *CORPORA, *LAYOUTS]
UNDERSTOOD = [shape for shape in ALL if shape.family]
ASKED = [shape for shape in ALL if shape.asks]
STOPPED = [shape for shape in ALL if shape.run_refuses]
REFUSED = [shape for shape in ALL if shape.refused]


@pytest.fixture
def terms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terms:
    """Those of a project whose encoder has not been fetched."""
    (tmp_path / "encoder").mkdir()
    monkeypatch.chdir(tmp_path)
    return Terms(yaml.load(PARAMS, yaml.CSafeLoader))


@pytest.mark.parametrize("shape", UNDERSTOOD, ids=lambda shape: shape.file)
@pytest.mark.slow_after(3)
def test_is_understood_and_taken_by_a_run(shape: Shape, terms: Terms) -> None:
    shape.write(Path(shape.file))
    found = guess(shape.file, Wishes(name="new"), terms=terms)
    keys = found.entry.keys
    assert (keys["family"], keys["columns"]) == (shape.family, shape.columns)
    assert {key: keys["source"].get(key) for key in shape.source} == shape.source
    assert {key: keys.get("options", {}).get(key) for key in shape.options} == shape.options
    assert found.refused == ""
    assert len(found.shown) == 5


@pytest.mark.parametrize("shape", ASKED, ids=lambda shape: shape.file)
@pytest.mark.slow_after(1)
def test_is_asked_about_and_every_answer_is_taken_by_a_run(shape: Shape, terms: Terms) -> None:
    shape.write(Path(shape.file))
    with pytest.raises(Question) as asked:
        guess(shape.file, Wishes(name="new"), terms=terms)
    assert shape.asks in str(asked.value)
    for choice in asked.value.choices:
        assert len(choice.shown) == 3
        settled = guess(shape.file, with_arguments(Wishes(name="new"), choice.arguments), terms=terms)
        assert settled.refused == ""


@pytest.mark.parametrize("shape", REFUSED, ids=lambda shape: shape.file)
def test_is_refused_in_one_sentence(shape: Shape, terms: Terms) -> None:
    shape.write(Path(shape.file))
    with pytest.raises(UserError) as refused:
        guess(shape.file, Wishes(name="new"), terms=terms)
    assert shape.refused in str(refused.value)
    assert shape.file in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("shape", STOPPED, ids=lambda shape: shape.file)
def test_what_stops_a_run_is_said_beforehand(shape: Shape, terms: Terms) -> None:
    shape.write(Path(shape.file))
    assert shape.run_refuses in guess(shape.file, Wishes(name="new"), terms=terms).refused


def test_splits_grow_where_few_titles_have_several_ratings(terms: Terms) -> None:
    """None of these six is in the test split at a tenth of the rows, nor at the next larger share."""
    titles = (
        *("Two brothers and a bear", "A house by the lake", "The last train to London"),
        *("The garden behind the wall", "Nine days in Paris", "Letters that nobody read"),
    )
    ratings = [
        f"r{n},{title},{1 + (7 * n + 3 * place) % 10}"
        for n in range(20)
        for place, title in enumerate(titles)
    ]
    Path("ratings.csv").write_text("\n".join(["reader,title,stars", *ratings]) + "\n")
    wishes = Wishes(name="new", family="regression", columns={"text": "title", "score": "stars"})
    found = guess("ratings.csv", wishes, terms=terms)
    assert found.refused == ""
    assert found.entry.keys["cleaning"] == {"conflicts": "keep"}
    assert found.entry.keys["splits"] == {"validation": 0.2, "test": 0.2}


def test_there_are_a_hundred_and_fifty() -> None:
    assert len({shape.file for shape in ALL}) == len(ALL) >= 150
    assert len(ALL) == len(UNDERSTOOD) + len(ASKED) + len(STOPPED) + len(REFUSED)


def test_the_rows_are_read_once_where_a_run_takes_what_is_proposed_first(
    terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read and validate them is nearly all that a proposal takes."""
    reads, own = [], trial.ingest

    def counted(*given: Any) -> Any:
        reads.append(given)
        return own(*given)

    monkeypatch.setattr(trial, "ingest", counted)
    UNDERSTOOD[0].write(Path(UNDERSTOOD[0].file))
    assert guess(UNDERSTOOD[0].file, Wishes(name="new"), terms=terms).refused == ""
    assert len(reads) == 1
