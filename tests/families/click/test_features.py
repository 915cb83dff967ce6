"""Features beside a text: read, learnt, and handed to a head that knows its own vocabulary and scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.families.click import features
from components.families.click.head import EMBEDDING, FeaturesHead


def row(categorical: dict[str, Any] | None = None, numeric: dict[str, Any] | None = None) -> dict[str, Any]:
    record = {"categorical": categorical or {}, "numeric": numeric or {}}
    return {role: features.read_features(record, role) for role in features.ROLES}


def learn(rows: list[dict[str, Any]], most: int = 1000) -> dict[str, Any]:
    learner = features.FeatureLearner()
    for each in rows:
        learner.add(each)
    return learner.facts(most)


BRANDS = ["acme"] * 5 + ["bolt"] * 3 + ["cord"] * 2 + ["dune", None]
FACTS = learn([row({"brand": brand}, {"price": 1 + n}) for n, brand in enumerate(BRANDS)])


def test_what_is_missing_is_none_and_codes_are_categories() -> None:
    read = row(
        {"a": None, "b": " ", "c": math.nan, "d": 7, "e": 7.0, "f": " x ", "g": True}, {"p": "2.5", "q": ""}
    )
    values = {each["name"]: each["value"] for each in read["categorical"] + read["numeric"]}
    nothing = dict.fromkeys("abc")
    assert values == nothing | {"d": "7", "e": "7", "f": "x", "g": "True", "p": 2.5, "q": None}


def test_a_category_that_occurs_once_is_left_to_the_others() -> None:
    assert FACTS["categorical"] == {"brand": ["acme", "bolt", "cord"]}
    assert features.vocabulary({"x": 2, "y": 9, "a": 2}, most=2) == ["y", "a"]


def test_a_column_that_is_always_missing_is_known() -> None:
    facts = learn([row({"brand": None}, {"price": None})])
    assert facts == {"categorical": {"brand": []}, "numeric": {"price": {"centre": 0.0, "scale": 1.0}}}


def test_centre_and_scale_are_those_of_the_bulk() -> None:
    """A normal sample: its mean and deviation; a tenth of wild outliers hardly moves them."""
    values = np.random.default_rng(0).normal(50, 4, 20_000)
    assert features.centre_and_scale(values) == pytest.approx({"centre": 50, "scale": 4}, rel=0.02)
    values[:2000] = 1e9
    assert features.centre_and_scale(values) == pytest.approx({"centre": 50, "scale": 4}, rel=0.25)


@pytest.mark.parametrize("values", [[3.0], [0.0] * 9 + [1.0], [1e308, -1e308, 1e308, -1e308], [5.0] * 4])
def test_the_scale_is_always_a_number(values: list[float]) -> None:
    known = features.centre_and_scale(values)
    assert 0 < known["scale"] < math.inf
    assert all(math.isfinite(features.standardised(value, known)) for value in [*values, 1.7e308, -1.7e308])


def head_of(facts: dict[str, Any]) -> FeaturesHead:
    categories = [
        [int(features.category_hash(c)) for c in facts["categorical"][n]]
        for n in sorted(facts["categorical"])
    ]
    numbers = [tuple(facts["numeric"][name].values()) for name in sorted(facts["numeric"])]
    torch.manual_seed(0)
    head = FeaturesHead(4, categories, numbers, 1)  # type: ignore[arg-type]
    for embedding in head.embeddings:
        torch.nn.init.normal_(embedding.weight)  # type: ignore[arg-type]
    return head


def logit(head: FeaturesHead, given: dict[str, Any], facts: dict[str, Any] = FACTS) -> float:
    side = torch.tensor([features.head_inputs(given, facts)], dtype=torch.float64)
    return head(torch.ones(1, 3, 4), torch.ones(1, 3), side).item()


def test_the_head_tells_categories_apart_and_unseen_ones_not() -> None:
    head = head_of(FACTS)
    found = {
        brand: logit(head, row({"brand": brand})) for brand in ["acme", "bolt", "cord", "dune", "new", None]
    }
    assert found["dune"] == found["new"]
    assert len(set(found.values())) == 5


def test_a_missing_number_is_not_the_median() -> None:
    head = head_of(FACTS)
    assert logit(head, row(numeric={"price": None})) == logit(head, row())
    assert logit(head, row(numeric={"price": None})) != logit(head, row(numeric={"price": 6.5}))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_the_head_and_the_linear_baseline_standardise_alike(value: float) -> None:
    price = FACTS["numeric"]["price"]
    found, missing = head_of(FACTS)._standardised(torch.tensor([[value]], dtype=torch.float64))[0]
    assert found.item() == pytest.approx(features.standardised(value, price), abs=1e-12)
    assert missing == 0


def test_features_are_handed_over_by_name_whatever_their_order() -> None:
    facts = learn([row({"b": "x", "a": "y"})] * 2)
    assert features.head_inputs(row({"a": "y", "b": "x"}), facts) == features.head_inputs(
        row({"b": "x", "a": "y"}), facts
    )
    backwards = {**facts, "categorical": dict(reversed(facts["categorical"].items()))}  # JSON may sort keys
    assert features.head_inputs(row({"a": "y", "b": "x"}), backwards) == features.head_inputs(
        row({"a": "y", "b": "x"}), facts
    )


def test_what_is_handed_over_does_not_depend_on_newer_rows() -> None:
    """A champion reads rows that were encoded with another vocabulary and another scale."""
    newer = learn([row({"brand": brand}, {"price": 900}) for brand in ["zeta", "zeta", "bolt", "acme"]])
    given = row({"brand": "bolt"}, {"price": 7})
    assert logit(head_of(FACTS), given, newer) == logit(head_of(FACTS), given, FACTS)


def test_hashes_survive_a_float_and_the_weights_file(tmp_path: Any) -> None:
    from safetensors.torch import load_file, save_file

    hashes = [features.category_hash(str(number)) for number in range(5000)]
    assert len(set(hashes)) == 5000
    assert all(0 <= one < 2**53 and float(int(one)) == one for one in hashes)
    head, other = head_of(FACTS), head_of({**FACTS, "categorical": {"brand": ["p", "q", "r"]}})
    save_file(head.state_dict(), tmp_path / "head.safetensors")
    other.load_state_dict(load_file(tmp_path / "head.safetensors"))
    assert logit(other, row({"brand": "cord"})) == logit(head, row({"brand": "cord"}))


def test_an_unseen_category_starts_and_stays_at_nothing() -> None:
    fresh = FeaturesHead(4, [[5, 6]], [], 1)
    side = torch.tensor([[5.0]], dtype=torch.float64)
    fresh(torch.ones(1, 3, 4), torch.ones(1, 3), side).sum().backward()
    gradient = fresh.embeddings[0].weight.grad
    assert gradient[2].abs().sum() > 0
    assert gradient[:2].eq(0).all()
    assert gradient[3].eq(0).all()
    assert fresh.embeddings[0].weight[:2].eq(0).all()
    assert fresh.embeddings[0].weight[2:].abs().sum(1).gt(0).all()
    assert gradient.shape == (4, EMBEDDING)
