"""What is looked at of a long file stands for all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.data.propose import Wishes, _thinned, guess
from components.data.propose.amounts import Written
from components.data.propose.profile import Column, drawn


@pytest.mark.parametrize("period", range(1, 9))
@pytest.mark.parametrize("rows", [1, 199, 200, 201, 1000, 4800])
def test_labels_that_take_turns_are_all_seen(rows: int, period: int) -> None:
    found = drawn([(number, {"label": number % period}) for number in range(rows)], 200)
    assert len(found) <= 200
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    assert {fields["label"] for _, fields in found} == {number % period for number in range(rows)}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [20_000, 20_001, 90_000, 200_000])
def test_labels_of_a_large_file_that_take_turns_are_seen_as_often_as_they_occur(rows: int) -> None:
    seen = [number % 2 for number, _ in drawn(_thinned((number, {}) for number in range(rows)), 20_000)]
    assert len(seen) == 20_000
    assert abs(sum(seen) - 10_000) < 400


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("rows", [20_001, 90_000, 500_000])
def test_the_numbers_of_rows_are_known_in_a_sample_of_them(rows: int) -> None:
    seen = drawn(_thinned((number, {}) for number in range(rows)), 20_000)
    assert Column("", [number for number, _ in seen], len(seen)).is_counter
    assert not Column("", [(number * 7) % 19 for number, _ in seen], len(seen)).is_counter
    assert not Column("", sorted(number * number // rows for number, _ in seen), len(seen)).is_counter


@pytest.mark.slow_after(1)
@pytest.mark.parametrize(
    ("rows", "classes"), [(26_000, 8_000), (90_000, 20_000), (400_000, 100), (400_000, 90_000)]
)
def test_how_often_a_value_occurs_is_told_by_some_of_the_rows(rows: int, classes: int) -> None:
    seen = drawn([(number, {}) for number in range(rows)], 20_000)
    chance = np.random.default_rng(1)
    names = chance.integers(0, classes, rows)
    column = Column("", [str(names[number]) for number, _ in seen], len(seen), of=rows)
    assert column.repeats == pytest.approx(rows / len(np.unique(names)), rel=0.1)


def test_of_texts_that_never_recur_and_one_that_often_does_the_most_are_new() -> None:
    seen = drawn([(number, {}) for number in range(200_000)], 20_000)
    every = Column("", [f"text {number}" for number, _ in seen], len(seen), of=200_000)
    some = Column("", [f"text {number if number % 4 else 0}" for number, _ in seen], len(seen), of=200_000)
    assert every.repeats == 1
    assert some.repeats == pytest.approx(4 / 3, rel=0.02)


def test_a_sorted_file_is_seen_from_end_to_end() -> None:
    found = drawn([(number, {}) for number in range(10_000)], 200)
    assert [number // 50 for number, _ in found] == list(range(200))


@pytest.mark.slow
def test_a_file_whose_labels_take_turns_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (f"the words of text {number},{['up', 'down', 'level'][number % 3]}" for number in range(6000))
    Path("rows.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    assert guess("rows.csv", Wishes(name="new")).entry.keys["family"] == "classification"


@pytest.mark.parametrize(("form", "unit"), [("{}X", ""), ("{} kg", "kg"), ("${}", "$"), ("{}m", "m")])
def test_codes_have_no_unit(form: str, unit: str) -> None:
    assert Written([form.format(number) for number in range(1000, 1040)]).unit == unit
