"""One JSON object that is a table, in its forms."""

from __future__ import annotations

from components.data.sources.json_tables import rows_of

ROWS = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


def test_an_object_within_is_looked_at_where_there_is_no_table_beside_it() -> None:
    about = {"authors": [{"name": "Ann"}, {"name": "Bo"}]}
    table = {"version": 1, "about": about, "columns": ["text", "label"], "data": [["a", "x"], ["b", "y"]]}
    assert list(rows_of(table) or ()) == ROWS
    assert list(rows_of({"took": 3, "hits": {"total": 2, "hits": ROWS}}) or ()) == ROWS
