"""Rows as public data sets and tools of annotation have them, for the files of corpora.py."""

from __future__ import annotations

from typing import Any

from tests.conftest import sentence
from tests.data.exports.writers import (
    article,
    bio,
    ends,
    located_text,
    stars,
)
from tests.data.shapes import topic

JUDGED = ["entailment", "neutral", "contradiction"]


def said(n: int) -> str:
    return f"{sentence(n).capitalize()}."


def pick(n: int, *names: str) -> str:
    return names[n * n % 7 % len(names)]


# --- rows --------------------------------------------------------------------------------------------


def snli(n: int) -> dict[str, Any]:
    """A pair; of every eleventh no three annotators agreed."""
    words = " ".join(f"( {word} )" for word in sentence(n).split())
    return {
        "annotator_labels": [JUDGED[n % 3]] * 5,
        "captionID": f"4705552913.jpg#{n}",
        "gold_label": "-" if n % 11 == 0 else JUDGED[n % 3],
        "pairID": f"47{n}r1n",
        "sentence1": said(n),
        "sentence1_binary_parse": f"( {words} )",
        "sentence2": said(n + 1),
    }


def massive(n: int) -> dict[str, Any]:
    return {
        "id": str(n),
        "locale": "en-US",
        "partition": ["train", "train", "dev", "test"][n % 4],
        "intent": f"alarm_{n % 3}",
        "utt": sentence(n),
    }


def slots(n: int) -> list[Any]:
    words = ["BOS", *sentence(n).split(), "boston", "EOS"]
    tags = ["O"] * (len(words) - 2) + ["B-toloc.city_name", "O"]
    return [n, " ".join(words), " ".join(tags), f"atis_{topic(n)}"]


def amazon(n: int) -> dict[str, Any]:
    return {
        "overall": float(stars(n)),
        "verified": True,
        "reviewTime": f"09 {n % 28 + 1}, 2016",
        "reviewerID": f"A3CIUOJXQ5{n % 40}",
        "reviewerName": f"Ada {n % 40}",
        "reviewText": article(n),
        "summary": pick(n, "Five Stars", "Good shoes", "Not worth it"),
        "unixReviewTime": 1474848000 + n * 86400,
    }


def yelp(n: int) -> dict[str, Any]:
    return {
        "review_id": f"xQY8N_{n}",
        "stars": float(stars(n)),
        "useful": n % 4,
        "text": article(n),
        "date": f"2017-01-{n % 28 + 1:02} 13:41:20",
    }


def hellaswag(n: int) -> dict[str, Any]:
    endings = [sentence(n + number) for number in range(1, 5)]
    return {"ind": n, "ctx": f"{sentence(n)} then", "endings": endings, "split": "train", "label": str(n % 4)}


def common_sense(n: int) -> dict[str, Any]:
    choices = [
        {"label": key, "text": f"{word} {n}"}
        for key, word in zip("ABC", ["red", "blue", "green"], strict=True)
    ]
    return {
        "answerKey": "ABC"[n % 3],
        "id": f"{n:x}",
        "question": {"stem": f"{sentence(n)}?", "choices": choices},
    }


def science(n: int) -> dict[str, Any]:
    texts = [sentence(n + 1), sentence(n + 2), sentence(n + 3)]
    return {
        "question": f"{sentence(n)}?",
        "choices": {"text": texts, "label": ["1", "2", "3"]},
        "answerKey": "123"[n % 3],
    }


def chat(n: int) -> dict[str, Any]:
    roles = {"system": "You are helpful.", "user": sentence(n), "assistant": article(n)}
    return {"messages": [{"role": role, "content": content} for role, content in roles.items()]}


def share(n: int) -> dict[str, Any]:
    return {
        "id": n,
        "conversations": [{"from": "human", "value": sentence(n)}, {"from": "gpt", "value": article(n)}],
    }


def related(n: int) -> tuple[str, dict[str, Any], dict[str, Any], str]:
    """A text, its two spans, and how they are related: in every fifth not at all."""
    content = f"{located_text(n)} at acme"
    start, end = ends(n)
    one = {"start": start, "end": end, "label": "PER"}
    other = {"start": len(content) - 4, "end": len(content), "label": "ORG"}
    return content, one, other, "" if n % 5 == 0 else pick(n, "works_for", "visits")


def doccano_relations(n: int) -> dict[str, Any]:
    content, one, other, kind = related(n)
    spans = [
        {"id": number, "label": span["label"], "start_offset": span["start"], "end_offset": span["end"]}
        for number, span in enumerate([one, other])
    ]
    return {
        "id": n,
        "text": content,
        "entities": spans,
        "relations": [{"id": 9, "from_id": 0, "to_id": 1, "type": kind}] if kind else [],
    }


def prodigy_relations(n: int) -> dict[str, Any]:
    content, one, other, kind = related(n)
    links = [{"head": 1, "child": 3, "head_span": one, "child_span": other, "label": kind}] if kind else []
    return {"text": content, "_input_hash": n, "spans": [one, other], "relations": links, "answer": "accept"}


def label_studio_relations(n: int) -> dict[str, Any]:
    content, one, other, kind = related(n)
    results: list[dict[str, Any]] = [
        {
            "id": name,
            "from_name": "ner",
            "to_name": "text",
            "type": "labels",
            "value": {**span, "labels": [span["label"]]},
        }
        for name, span in (("a", one), ("b", other))
    ]
    link = {"from_id": "a", "to_id": "b", "type": "relation", "direction": "right", "labels": [kind]}
    return {
        "id": n,
        "data": {"text": content},
        "annotations": [{"result": [*results, link] if kind else results}],
    }


def numbers_of(n: int) -> list[int]:
    return [{"O": 0, "B-PER": 1, "B-ORG": 3}[tag] for tag in bio(n)]


# --- writers -----------------------------------------------------------------------------------------
