"""examples/recommender: what prepare.py makes of ratings, on a synthetic set of their form."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components import params
from tests.scripts import script

EXAMPLE = Path(__file__).parents[2] / "examples/recommender"
FILMS = [
    {"movie_id": n, "movie_title": f"Film {n} ({1970 + n})", "release_date": f"01-Jan-{1970 + n}", "unknown": 0, "Action": n % 2, "Drama": 1}
    for n in range(1, 31)
] + [{"movie_id": 31, "movie_title": "unknown", "release_date": None, "unknown": 1, "Action": 0, "Drama": 0}]  # fmt: skip
USERS = [{"user_id": n, "age": 20 + n, "occupation": "writer"} for n in (1, 2)]
RATINGS = [
    {"user_id": user, "movie_id": 1 + (n * 3 + user) % 31, "rating": 1 + n % 5, "timestamp": 100 - n}
    for user in (1, 2)
    for n in range(20)
]


@pytest.fixture(scope="module")
def prepare() -> Any:
    return script("examples/recommender/prepare.py")


@pytest.fixture(scope="module")
def rows(prepare: Any) -> list[dict[str, Any]]:
    return list(prepare.impressions(FILMS, USERS, RATINGS))


def rated(user: dict[str, Any]) -> dict[str, dict[str, Any]]:
    titles = {film["movie_id"]: film["movie_title"] for film in FILMS}
    return {titles[one["movie_id"]]: one for one in RATINGS if one["user_id"] == user["user_id"]}


def of(user: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["reader"] == user["user_id"]]


def test_what_is_clicked_was_rated_and_what_is_not_was_never(rows: list[dict[str, Any]]) -> None:
    for user in USERS:
        for row in of(user, rows):
            assert row["clicked"] == (row["film"] in rated(user))


def test_a_conversion_is_four_stars_and_follows_a_click_alone(rows: list[dict[str, Any]]) -> None:
    for user in USERS:
        for row in of(user, rows):
            stars = rated(user)[row["film"]]["rating"] if row["clicked"] else None
            assert row["converted"] == (stars >= 4 if stars else None)
    assert {row["converted"] for row in rows} == {True, False, None}


def test_a_readers_taste_is_of_before_what_is_shown(rows: list[dict[str, Any]]) -> None:
    for user in USERS:
        known = rated(user)
        for row in of(user, rows):
            assert known[row["likes"]]["rating"] >= 4
            assert row["likes"] != row["film"]
            if row["clicked"]:
                assert known[row["likes"]]["timestamp"] < known[row["film"]]["timestamp"]


def test_each_reader_is_shown_as_many_films_of_either_kind_at_most_once(
    prepare: Any, rows: list[dict[str, Any]]
) -> None:
    for user in USERS:
        shown = of(user, rows)
        assert Counter(row["clicked"] for row in shown) == {True: prepare.SHOWN, False: prepare.SHOWN}
        assert len({row["film"] for row in shown}) == len(shown)


def test_a_film_is_described_by_title_and_genres(prepare: Any, rows: list[dict[str, Any]]) -> None:
    assert prepare.describe(FILMS[2]) == {
        "film": "Film 3 (1973)",
        "text": "Film 3 (1973): Action, Drama",
        "year": 1973,
    }
    assert "unknown" not in {row["film"] for row in rows}


def test_the_settings_are_valid_once_the_sources_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text((EXAMPLE / "params.yaml").read_text())
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/impressions.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    assert set(params.load().heads()) == {"click", "conversion"}
