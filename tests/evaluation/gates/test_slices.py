"""Slices: which rows they are of, and which of them are judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components import families
from components.data.contract.cards import HeadCard
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit
from components.evaluation.evaluate import compare
from components.evaluation.gates.slices import Slices
from components.evaluation.intervals import interval
from components.evaluation.units import Units, sample
from components.families.base import Row
from components.spelling import script
from tests.evaluation.gates.case import case_of, row
from tests.evaluation.gates.conftest import Judge

FEW = "(fewer than 100 rows, not judged)"
OTHER = {"a": "b", "b": "a"}


def found_by(gate: Slices, rows: list[Row], **answers: list[Row]) -> dict:
    """What the gate finds of models that are right in every row, unless `answers` say otherwise."""
    return {one.what: one for one in gate.findings(case_of(rows, **{"model": rows, **answers}))}


def test_thirds_by_length_hold_every_row_once_and_about_as_many_each() -> None:
    rows = [row(n, "a", "x" * n) for n in range(1, 301)]
    found = found_by(Slices(min_rows=50), rows)
    assert list(found) == ["under 101 characters", "101 to 199 characters", "200 or more characters"]
    assert [one.rows for one in found.values()] == [100, 99, 101]


def test_lengths_may_be_given_and_texts_of_one_length_make_no_slice() -> None:
    rows = [row(n, "a", "x" * n) for n in range(1, 301)]
    found = found_by(Slices(length=[50], min_rows=10), rows)
    assert {what: one.rows for what, one in found.items()} == {
        "under 50 characters": 49,
        "50 or more characters": 251,
    }
    assert found_by(Slices(), [row(n, "a") for n in range(300)]) == {}
    assert found_by(Slices(length=None), rows) == {}


def test_a_column_is_cut_by_its_values_the_largest_first_and_a_small_slice_is_not_judged() -> None:
    countries = ["de"] * 150 + ["fr"] * 120 + ["at"] * 30 + [""] * 5
    rows = [row(n, "a", country=country) for n, country in enumerate(countries)]
    wrong = [{"label": "b" if one["slice"]["country"] == "at" else "a"} for one in rows]
    found = found_by(Slices(length=None, floor={"mood": 0.9}), rows, model=wrong, champion=rows)
    assert list(found) == ["country = de", "country = fr", f"country = at {FEW}", f"country = none {FEW}"]
    small = found[f"country = at {FEW}"]
    assert (small.value, small.rows, small.outcome, small.margin, small.champion) == (
        0,
        30,
        "pass",
        None,
        None,
    )
    assert found["country = fr"].margin == pytest.approx(3 * 0.03)
    assert len(found_by(Slices(length=None, most=2), rows)) == 2


def test_a_loss_on_one_slice_is_found_though_the_whole_is_as_good() -> None:
    """The candidate has lost the French and won the Germans."""
    rows = [row(n, "ab"[n % 2], country="fr" if n % 5 == 0 else "de") for n in range(1000)]

    def wrong_where(wrong: np.ndarray) -> list[Row]:
        return [
            {"label": OTHER[one["label"]] if bad else one["label"]}
            for one, bad in zip(rows, wrong, strict=True)
        ]

    number_N = np.arange(1000)
    model = wrong_where((number_N % 5 == 0) & (number_N % 2 == 0))
    champion = wrong_where((number_N % 5 == 1) & (number_N % 2 == 0))
    case = case_of(rows, model, champion)
    found = {one.what: one.champion for one in Slices(length=None).findings(case)}
    lost, won = found["country = fr"], found["country = de"]
    assert lost and won
    assert lost.difference == -0.5 and lost.interval[1] < -0.4 and lost.p < 0.01
    assert won.difference == 0.125 and won.interval[0] > 0


def test_a_slice_of_every_row_has_the_interval_of_the_whole() -> None:
    """Of Pearson's r too, whose lower end is as far off as rows allow at which a model fails."""
    gold, noise = np.random.default_rng(4).normal(size=(2, 120))
    rows = [{**row(n, "a"), "score": value} for n, value in enumerate(gold)]
    answers: dict = {
        who: [{"score": value} for value in side]
        for who, side in (("model", gold + 0.5 * noise), ("trivial", 0 * gold), ("linear", 0.5 * gold))
    }
    family = families.get("regression")
    metric, facts = family.metrics[0], {"mean": 0.0, "options": {}}
    card = HeadCard(family="regression", facts=facts, task="mood", max_length=64, inputs=["text"])
    case = replace(case_of(rows, answers["model"], metric="pearson"), card=card, said=answers)
    every = Slices.model_validate({"length": None, "rules": {"every": {"text": {"longer_than": 1}}}})
    (found,) = every.findings(case)
    whole = compare(metric, rows, answers, facts, Units(120), 0.95)
    assert (found.value, found.interval) == (whole.value, whole.interval)
    seen = sample(metric, metric.statistics(rows, answers["model"], facts), Units(120))
    assert found.interval[0] < interval(metric, seen, 0.95)[0]


def test_a_floor_on_every_slice_rejects_what_is_below_it_with_confidence() -> None:
    rows = [row(n, "a", country="fr" if n % 2 else "de") for n in range(400)]
    model = [{"label": "b" if n % 2 and n % 3 else "a"} for n in range(400)]
    found = found_by(Slices(length=None, floor={"mood": 0.8}), rows, model=model)
    assert found["country = fr"].outcome == "reject"
    assert "is below the limit 0.800" in found["country = fr"].why
    assert found["country = de"].outcome == "pass"


def test_rules_are_in_the_words_of_the_filter_by_fields_and_slice_columns() -> None:
    texts = ["GREAT", "great", "meh", "BAD!"]
    rows = [row(n, "a", text, country="de" if n < 2 else "fr") for n, text in enumerate(texts)]
    rules = {
        "shouted": {"text": {"matches": "^[A-Z!]+$"}},
        "long": {"text": {"longer_than": 3}},
        "elsewhere": {"country": {"not": "de"}},
        "both": {"text": {"in": ["meh", "great"]}, "country": "fr"},
        "never": {"text": "no row says this"},
    }
    gate = Slices.model_validate({"length": None, "rules": rules})
    found = {what.split()[0]: one.rows for what, one in found_by(gate, rows).items()}
    del found["country"]
    assert found == {"shouted": 2, "long": 3, "elsewhere": 2, "both": 1}


def test_texts_are_told_apart_by_their_language_beside_a_column_of_that_name() -> None:
    english, german = "the parcel never arrived and this is not fine", "das Paket ist nicht da und ich warte"
    texts = [english] * 120 + [german] * 110
    rows = [row(n, "a", f"{text} {n}", language="xy"[n % 2]) for n, text in enumerate(texts)]
    found = found_by(Slices(length=None, language=True), rows)
    assert {what: one.rows for what, one in found.items()} == {
        "language as told = en": 120,
        "language as told = de": 110,
        "language = x": 115,
        "language = y": 115,
    }


def test_texts_are_told_apart_by_their_script_beside_a_column_of_that_name() -> None:
    """Two findings of one name would be one to the gate: what is shown of the one would reject the other."""
    texts = ["parcel"] * 120 + ["посылка"] * 110
    rows = [row(n, "a", f"{text} {n}", script=["LATIN", "CYRILLIC"][n % 2]) for n, text in enumerate(texts)]
    names = [one.what for one in Slices(length=None, script=True).findings(case_of(rows, model=rows))]
    assert sorted(names) == [
        "script = CYRILLIC",
        "script = LATIN",
        "script as told = CYRILLIC",
        "script as told = LATIN",
    ]


def test_a_script_is_that_of_most_letters() -> None:
    assert script("a café, 2 ruble") == "LATIN"
    assert script("Привет ok") == "CYRILLIC"
    assert script("你好 hi!") in ("CJK", "LATIN")
    assert script("你好世界 hi") == "CJK"
    assert script("123 !?") == ""


def test_slice_columns_come_from_the_source_and_tokens_from_the_encoding(judge: Judge) -> None:
    gate = {"slices": {"min_rows": 1, "length": [9, 12], "unit": "tokens"}}
    found = {one.what: one for one in judge(gate).tasks["mood"].findings}
    rows = labelled_rows(Path("data/mood"), "test", "mood")
    for value in ("short", "long", None):
        same = [one for one in rows if one["slice"]["size"] == value]
        assert found[f"size = {value or 'none'}"].rows == len(same) > 0
    split = EncodedSplit(Path("encoded/mood/test.arrow"))
    assert found["12 or more tokens"].rows == int((split.lengths >= 12).sum())
    assert sum(one.rows for what, one in found.items() if what.endswith("tokens")) == len(rows)
    assert all(one.champion and one.champion.difference == 0 for one in found.values())
