"""Proposed tasks cut what others read too at one length, the longest of theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.data.propose import Wishes, guess
from components.data.propose.cuts import with_one_cut
from components.data.propose.entry import Entry
from tests.conftest import sentence
from tests.data.shapes import genres, labelled, table

DECLARED: dict[str, Any] = {
    "alike": {"columns": {"tokens": "words", "tags": "tags"}, "family": "tagging", "max_length": 96},
    "a pair": {
        "columns": {"text": "a", "text_pair": "b", "score": "score"},
        "family": "regression",
        "max_length": 256,
    },
    "auxiliary": {"columns": {"text": "text"}, "family": "masked_lm", "max_length": 384},
}


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    labelled()(tmp_path / "tickets.csv")
    return guess(str(tmp_path / "tickets.csv"), Wishes()).entry


def declared(**changes: Any) -> dict[str, Any]:
    """The tasks of params.yaml, and other keys of the one that reads the same."""
    whole = {"source": {"path": "rows.csv", "format": "csv"}, "splits": {}, "cleaning": {}}
    tasks = {name: whole | keys | {"gate": {"metric": "any", "floor": 0}} for name, keys in DECLARED.items()}
    del tasks["auxiliary"]["gate"]
    tasks["alike"] |= changes
    return tasks


def test_the_longest_cut_of_those_that_read_the_same(entry: Entry) -> None:
    """A pair is other tokens, and no service asks an auxiliary task."""
    own = entry.keys["max_length"]
    (found,) = with_one_cut([entry], declared())
    assert own < found.keys["max_length"] == 96
    written = found.task_yaml()
    assert f"max_length: 96 # {entry.remarks['max_length']}; so many has another task" in written
    assert yaml.safe_load(written)["tickets"] == yaml.safe_load(entry.task_yaml())["tickets"] | {
        "max_length": 96
    }


@pytest.mark.parametrize(
    "changes",
    [{"max_length": 8}, {"family": "none of ours"}, {"columns": None}, {"max_length": "long"}],
    ids=str,
)
def test_without_a_longer_one_the_proposal_stays(entry: Entry, changes: dict[str, Any]) -> None:
    assert with_one_cut([entry], declared(**changes)) == [entry]


def test_tasks_that_are_proposed_together_have_one(entry: Entry, tmp_path: Path) -> None:
    table(("abstract", lambda n: " ".join([sentence(n)] * 9)), ("genres", lambda n: "|".join(genres(n))))(
        tmp_path / "films.csv"
    )
    longer = guess(str(tmp_path / "films.csv"), Wishes()).entry
    first, second = with_one_cut([entry, longer], {})
    assert second == longer
    assert first.keys["max_length"] == longer.keys["max_length"] > entry.keys["max_length"]
    assert replace(first, keys=entry.keys, remarks=entry.remarks) == entry
