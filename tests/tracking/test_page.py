"""The training page: one file that shows the record's own numbers."""

from __future__ import annotations

import pytest

from components.tracking import page
from tests.pages.reading import loaded, words
from tests.tracking.synthetic import HEADS, entry


def evaluations(cosines: dict | None = None) -> list[dict]:
    """Synthetic: the second of three is kept, and every head's own best is the last."""
    return [{**entry(step), "cosines": cosines or {}} for step in (5, 10, 20)]


METRICS = dict.fromkeys(HEADS, "accuracy")


def test_the_page_loads_nothing_and_names_the_kept_step_and_the_metric() -> None:
    html = page.render(evaluations(), METRICS)
    assert loaded(html) == []
    assert '<b class="pass">step 10</b>' in html
    assert html.count('<line class="kept"') == 2 * len(HEADS) + 3  # in every drawing
    seen = words(html)
    assert "ner accuracy 0.100 0.200 20 0.050" in seen
    assert "gradients are summed" in seen


def test_a_single_evaluation_is_said_in_tables() -> None:
    html = page.render([entry(5)], METRICS)
    assert "<svg class=" not in html
    assert "It was evaluated once" in html
    assert "ner 0.5" in words(html)  # its weight


def test_a_head_that_was_not_drawn_has_no_loss_and_no_drawing_of_one() -> None:
    record = evaluations()
    for one in record:
        del one["training_loss"]["ner"], one["weights"]["ner"]
    html = page.render(record, METRICS)
    assert "ner accuracy 0.100 0.200 20 not drawn" in words(html)
    assert html.count('<line class="kept"') == 2 * len(HEADS) + 2
    assert "No step drew a row of this head" in html


def test_cosines_are_the_mean_over_evaluations_on_both_sides_of_the_diagonal() -> None:
    record = evaluations()
    record[0]["cosines"] = {"a": {"b": 0.2, "c": -0.5}}
    record[2]["cosines"] = {"a": {"b": 0.4}}
    found = page.cosines(record)
    assert found is not None
    assert found.heads == ["a", "b", "c"]
    assert found.rows[0] == [None, pytest.approx(0.3), -0.5]
    assert found.rows[2] == [-0.5, None, None]
    html = page.render(record, METRICS)
    assert "var(--positive),0.42)" in html
    assert "var(--negative),0.7)" in html


def test_a_name_cannot_write_html() -> None:
    record = evaluations()
    for one in record:
        one["validation"]["<b>"] = 0.1
        one["training_loss"]["<b>"] = one["weights"]["<b>"] = 0.1
    html = page.render(record, {**METRICS, "<b>": "accuracy"})
    assert "&lt;b&gt;" in html and "<b>" not in html.replace("<b class", "")
