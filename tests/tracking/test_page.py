"""The training page: one file that shows the record's own numbers."""

from __future__ import annotations

import re

import pytest

from components.tracking import page
from tests.tracking.synthetic import entry


def evaluations(cosines: dict | None = None) -> list[dict]:
    """Synthetic: the second of three is kept, and every head's own best is the last."""
    return [{**entry(step), "cosines": cosines or {}} for step in (5, 10, 20)]


def test_the_page_loads_nothing_and_names_the_kept_step() -> None:
    html = page.render(evaluations())
    assert not re.search(r"(src|href)=|url\(|@import", html)
    assert '<span class="good">step 10</span>' in html
    assert html.count('class="kept" x1="50.0"') == 2 * 6 + 3  # in every drawing
    assert "<td>ner</td><td>0.100</td><td>0.200</td><td>20</td><td>0.050</td>" in html
    assert "gradients are summed" in html


def test_a_chart_puts_values_where_they_belong() -> None:
    drawn = page.chart({"a": [(5, 1.0), (10, 3.0)], "b": [(10, 2.0)]})
    places = [[(place["x"], place["y"]) for place in line["places"]] for line in drawn["lines"]]
    assert places == [[(50.0, 100.0), (100.0, 0.0)], [(100.0, 50.0)]]
    assert (drawn["low"], drawn["high"]) == (1.0, 3.0)


def test_a_value_that_never_changes_and_a_single_evaluation_can_be_drawn() -> None:
    assert page.chart({"a": [(5, 1.0), (10, 1.0)]})["lines"][0]["places"][0]["y"] == 0.0
    assert "Training" in page.render([entry(5)])


def test_a_head_that_was_not_drawn_has_a_gap_and_no_loss() -> None:
    record = evaluations()
    for one in record:
        del one["training_loss"]["ner"], one["weights"]["ner"]
    assert re.search(r"<td>ner</td>.*<td>not drawn</td>", page.render(record))


def test_cosines_are_the_mean_over_evaluations_on_both_sides_of_the_diagonal() -> None:
    record = evaluations()
    record[0]["cosines"] = {"a": {"b": 0.2, "c": -0.5}}
    record[2]["cosines"] = {"a": {"b": 0.4}}
    found = page.cosines(record)
    assert found is not None
    assert found["heads"] == ["a", "b", "c"]
    assert found["rows"][0] == [None, pytest.approx(0.3), -0.5]
    assert found["rows"][2] == [-0.5, None, None]
    html = page.render(record)
    assert "var(--positive),0.48)" in html
    assert "var(--negative),0.8)" in html


def test_a_name_cannot_write_html() -> None:
    record = evaluations()
    for one in record:
        one["validation"]["<b>"] = 0.1
        one["training_loss"]["<b>"] = one["weights"]["<b>"] = 0.1
    assert "<b>" not in page.render(record)
