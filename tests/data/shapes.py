"""Differently shaped files, all of them synthetic: what the guess is tried on.

Each `Shape` writes its file and says what is to be understood of it, or what is to be asked.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import sentence

ROWS = range(120)
TOPICS = ["delivery", "billing", "praise", "other"]


@dataclass(frozen=True)
class Shape:
    """A file, and the family and columns that are to be guessed, or the words of the question."""

    file: str
    write: Callable[[Path], None]
    family: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)  # keys of `source` besides the path
    options: dict[str, Any] = field(default_factory=dict)
    asks: str = ""
    refused: str = ""
    run_refuses: str = ""  # understood, but for what stops a run


def topic(n: int) -> str:
    return TOPICS[n * n % 7 % 4]


def table(
    *columns: tuple[str, Callable[[int], Any]], separator: str = ",", header: bool = True, **how: Any
) -> Callable[[Path], None]:
    """A writer of a delimited file; `how` goes to `open`."""

    def write(path: Path) -> None:
        with path.open("w", newline="", **{"encoding": "utf-8", **how}) as file:
            writer = csv.writer(file, delimiter=separator)
            if header:
                writer.writerow([name for name, _ in columns])
            writer.writerows([value(n) for _, value in columns] for n in ROWS)

    return write


def jsonl(row: Callable[[int], dict[str, Any]]) -> Callable[[Path], None]:
    return lambda path: lines(path, [json.dumps(row(n), ensure_ascii=False) for n in ROWS])


def lines(path: Path, content: Sequence[str]) -> None:
    path.write_text("\n".join(content) + "\n", encoding="utf-8")


def parquet(row: Callable[[int], dict[str, Any]]) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.Table.from_pylist([row(n) for n in ROWS]), path)


def arrow(row: Callable[[int], dict[str, Any]]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        content = pa.Table.from_pylist([row(n) for n in ROWS])
        with pa.ipc.new_file(str(path), content.schema) as file:
            file.write_table(content)

    return write


def conll(words: Callable[[int], Sequence[tuple[str, ...]]], separator: str = "\t") -> Callable[[Path], None]:
    blocks = ["\n".join(separator.join(word) for word in words(n)) for n in ROWS]
    return lambda path: lines(path, ["\n\n".join(blocks)])


def folder(**files: Callable[[Path], None]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        for name, writer in files.items():
            path.mkdir(exist_ok=True)
            writer(path / name.replace("__", "."))

    return write


def plain(content: str) -> Callable[[Path], None]:
    return lambda path: lines(path, [content])


# --- rows --------------------------------------------------------------------------------------------


def people(n: int) -> list[tuple[str, str]]:
    """Words and their IOB1 tags: two persons in a row, and a company."""
    words = [*sentence(n).split(), "alice", "bob", "at", "acme"]
    tags = ["O"] * (len(words) - 4) + ["I-PER", "B-PER", "O", "I-ORG"]
    return list(zip(words, tags, strict=True))


def four_columns(n: int) -> list[tuple[str, ...]]:
    """Word, part of speech, chunk and entity: two columns that spell spans."""
    return [
        (word, "NN" if i % 2 else "VB", "B-NP" if i % 2 else "B-VP", tag.replace("I-", "B-"))
        for i, (word, tag) in enumerate(people(n))
    ]


def characters(n: int) -> list[tuple[str, str]]:
    """Chinese characters, a place in BMES: two characters, or three."""
    place = ["北京", "上海", "石家庄"][n % 3]
    tags = ["B-LOC", *["M-LOC"] * (len(place) - 2), "E-LOC"]
    before = "我今天在" if n % 2 else "他明年去"
    after = "".join(chr(0x4E00 + (n * 37 + i * 11) % 500) for i in range(3 + n % 4))
    return [*((c, "O") for c in before), *zip(place, tags, strict=True), *((c, "O") for c in after)]


def japanese(n: int) -> dict[str, Any]:
    text = "この映画は" + ("とても面白い" if n % 2 else "つまらなかった") + f"です、{n}回目の感想"
    return {"レビュー": text, "label": "良い" if n % 2 else "悪い"}


def iobes(n: int) -> dict[str, Any]:
    words = [*sentence(n).split(), "alice", "acme", "london", "bank"]
    return {"tokens": words, "ner_tags": ["O"] * (len(words) - 4) + ["S-PER", "B-ORG", "I-ORG", "E-ORG"]}


def speech(n: int) -> dict[str, str]:
    words = sentence(n).split()
    tags = [("NUM" if word.isdigit() else "VERB" if word in ("was", "is") else "NOUN") for word in words]
    return {"words": json.dumps(words), "pos": json.dumps(tags)}


def located(n: int) -> dict[str, Any]:
    text = f"{sentence(n)} says alice"
    start = text.rindex("alice")
    return {"text": text, "entities": [{"start": start, "end": start + 5, "type": "PER"}]}


def related(n: int) -> dict[str, Any]:
    text = f"alice {sentence(n)} acme"
    tail = {"start": len(text) - 4, "end": len(text)}
    relation = ["works_for", "founded", "no_relation"][n % 3]
    return {"text": text, "subj": {"start": 0, "end": 5}, "obj": tail, "relation": relation}


def squad(path: Path) -> None:
    """SQuAD 2.0: three questions a paragraph, every third has no answer."""
    articles = []
    for n in range(40):
        context = f"{sentence(n)} and then acme was late"
        gold = [{"text": "acme", "answer_start": context.index("acme")}]
        qas = [
            {
                "id": f"{n}-{k}",
                "question": f"who was late in case {n} of {k}?",
                "is_impossible": k == 2,
                "answers": [] if k == 2 else gold,
            }
            for k in range(3)
        ]
        articles.append({"title": f"case {n}", "paragraphs": [{"context": context, "qas": qas}]})
    path.write_text(json.dumps({"version": "v2.0", "data": articles}))


def asked(n: int) -> dict[str, Any]:
    context = f"{sentence(n)} and then acme was late"
    answers = {"text": ["acme"], "answer_start": [context.index("acme")]}
    return {"question": f"who was late in case {n}?", "context": context, "answers": answers}


def chosen(n: int) -> dict[str, Any]:
    options = [sentence(n + 1), sentence(n + 2), sentence(n + 3)][: 2 + n % 2]
    return {"question": f"what follows {sentence(n)}?", "choices": options, "answer": n % 2}


def dialogue(n: int) -> dict[str, Any]:
    turns = [{"role": "user", "text": sentence(n)}, {"role": "agent", "text": sentence(n + 5)}]
    return {"conversation": turns, "intent": topic(n)}


def genres(n: int) -> list[str]:
    return [
        name for i, name in enumerate(["drama", "comedy", "crime", "family"]) if (n >> i) & 1 or i == n % 4
    ]


def labelled(
    *more: tuple[str, Callable[[int], Any]], text: str = "text", label: str = "label"
) -> Callable[[Path], None]:
    return table((text, sentence), (label, topic), *more)


def later(first: int) -> Callable[[Path], None]:
    """Other rows of the same columns."""
    return table(("text", lambda n: sentence(first + n)), ("label", topic))


PAIR = {"text": "sentence1", "text_pair": "sentence2"}

GUESSED = [
    Shape("plain.csv", labelled(), "classification", {"text": "text", "label": "label"}, {"format": "csv"}),
    Shape("label_first.csv", table(("category", topic), ("description", sentence)), "classification",
          {"text": "description", "label": "category"}),
    Shape("headerless.tsv", table(("", sentence), ("", topic), separator="\t", header=False),
          "classification", {"text": "column_1", "label": "column_2"},
          {"format": "tsv", "header": ["column_1", "column_2"]}),
    Shape("semicolon.csv", table(("kommentar", lambda n: f"Schöne Grüße, {sentence(n)}"), ("klasse", topic),
                                 separator=";", encoding="cp1252"),
          "classification", {"text": "kommentar", "label": "klasse"},
          {"format": "csv", "separator": ";", "encoding": "cp1252"}),
    Shape("pipe.txt", table(("utterance", sentence), ("intent", topic), separator="|"), "classification",
          {"text": "utterance", "label": "intent"}, {"format": "csv", "separator": "|"}),
    Shape("nested.jsonl", jsonl(lambda n: {"id": n, "data": {"body": sentence(n)},
                                           "annotation": {"topic": topic(n)}}),
          "classification", {"text": "data.body", "label": "annotation.topic"}, {"format": "jsonl"}),
    Shape("binary.parquet", parquet(lambda n: {"sentence": sentence(n), "label": n * n % 7 % 2}),
          "classification", {"text": "sentence", "label": "label"}, {"format": "parquet"}),
    Shape("yes_no.arrow", arrow(lambda n: {"comment": sentence(n), "toxic": ["no", "yes"][n % 2]}),
          "classification", {"text": "comment", "label": "toxic"}, {"format": "arrow"}),
    Shape("aside.csv", table(("id", lambda n: n), ("date", lambda n: f"2024-05-{n % 28 + 1:02}"),
                             ("body", sentence), ("topic", topic), ("user_id", lambda n: n % 9)),
          "classification", {"text": "body", "label": "topic"}),
    Shape("bom.csv", table(("text", sentence), ("sentiment", topic), encoding="utf-8-sig"), "classification",
          {"text": "text", "label": "sentiment"}, {"encoding": "utf-8-sig"}),
    Shape("utf16.csv", table(("text", sentence), ("class", topic), encoding="utf-16"), "classification",
          {"text": "text", "label": "class"}, {"encoding": "utf-16"}),
    Shape("empty_columns.csv", table(("notes", lambda n: ""), ("text", sentence), ("tags", lambda n: ""),
                                     ("label", topic)),
          "classification", {"text": "text", "label": "label"}),
    Shape("intents.csv", table(("utterance", lambda n: f"play song {n}"), ("intent", lambda n: f"intent_{n % 20}")),
          "classification", {"text": "utterance", "label": "intent"}),
    Shape("japanese.jsonl", jsonl(japanese), "classification", {"text": "レビュー", "label": "label"}),
    Shape("dialogue.jsonl", jsonl(dialogue), "classification", {"turns": "conversation", "label": "intent"}),
    Shape("split_column.csv", labelled(("split", lambda n: ["train", "train", "dev", "test"][n % 4])),
          "classification", {"text": "text", "label": "label"},
          {"split_column": "split", "split_values": {"dev": "validation", "test": "test", "train": "train"}}),
    Shape("splits", folder(train__csv=labelled(), dev__csv=later(500), test__csv=later(900)), "classification",
          {"text": "text", "label": "label"},
          {"files": {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}}),
    Shape("shards", folder(**{f"train-0000{i}-of-00002__parquet": parquet(lambda n: {"text": sentence(n),
                                                                                     "label": topic(n)})
                              for i in (0, 1)}),
          "classification", {"text": "text", "label": "label"}, {"files": {"train": "train-0000*.parquet"}}),
    Shape("nli.jsonl", jsonl(lambda n: {"gold_label": ["entailment", "neutral", "contradiction"][n % 3],
                                        "sentence1": sentence(n), "sentence2": sentence(n + 1), "pairID": n}),
          "classification", {**PAIR, "label": "gold_label"}),
    Shape("qqp.tsv", table(("id", lambda n: n), ("qid1", lambda n: 2 * n), ("qid2", lambda n: 2 * n + 1),
                           ("question1", lambda n: f"why {sentence(n)}?"),
                           ("question2", lambda n: f"how {sentence(n)}?"),
                           ("is_duplicate", lambda n: n * n % 7 % 2), separator="\t"),
          "classification", {"text": "question1", "text_pair": "question2", "label": "is_duplicate"}),
    Shape("sts.tsv", plain("\n".join(["score\tsentence1\tsentence2"] + [
              f'{n % 50 / 10}\t"{sentence(n)}\t{sentence(n + 1)}' for n in ROWS])),
          "regression", {**PAIR, "score": "score"}, {"format": "tsv", "quoting": False}),
    Shape("valence.jsonl", jsonl(lambda n: {"tweet": sentence(n), "valence": n / 100 - 0.6}), "regression",
          {"text": "tweet", "score": "valence"}),
    Shape("reviews.tsv", table(("marketplace", lambda n: "US"), ("review_id", lambda n: f"R{n}"),
                               ("star_rating", lambda n: n * 3 % 5 + 1), ("vine", lambda n: "N"),
                               ("review_body", sentence), ("review_date", lambda n: "2015-08-31"),
                               separator="\t"),
          "ordinal", {"text": "review_body", "label": "star_rating"}, {"labels": ["1", "2", "3", "4", "5"]}),
    Shape("priority.csv", table(("subject", sentence), ("priority", lambda n: ["High", "Low", "Medium"][n % 3])),
          "ordinal", {"text": "subject", "label": "priority"}, {"labels": ["Low", "Medium", "High"]}),
    Shape("genres.csv", table(("abstract", sentence), ("genres", lambda n: "|".join(genres(n)))), "multi_label",
          {"text": "abstract", "labels": "genres"}, options={"separator": "|"}),
    Shape("genres.parquet", parquet(lambda n: {"abstract": sentence(n), "categories": genres(n)}),
          "multi_label", {"text": "abstract", "labels": "categories"}),
    Shape("people.iob", conll(people, " "), "tagging", {"tokens": "0", "tags": "1"}, {"format": "conll"},
          {"scheme": "iob1"}),
    Shape("chinese.bmes", conll(characters), "tagging", {"tokens": "0", "tags": "1"}, {"format": "conll"},
          {"scheme": "bmes", "unit": "character"}),
    Shape("iobes.jsonl", jsonl(iobes), "tagging", {"tokens": "tokens", "tags": "ner_tags"}, {},
          {"scheme": "iobes"}),
    Shape("speech.csv", table(("words", lambda n: speech(n)["words"]), ("pos", lambda n: speech(n)["pos"])),
          "tagging", {"tokens": "words", "tags": "pos"}, {}, {"scheme": "plain"}),
    Shape("located.jsonl", jsonl(located), "tagging", {"text": "text", "spans": "entities"}),
    Shape("relations.jsonl", jsonl(related), "relation",
          {"text": "text", "head": "subj", "tail": "obj", "label": "relation"}, {},
          {"none_class": "no_relation"}),
    Shape("dev-v2.0.json", squad, "span", {"question": "question", "context": "context", "answers": "answers"},
          {"format": "squad"}),
    Shape("asked.jsonl", jsonl(asked), "span",
          {"question": "question", "context": "context", "answers": "answers"}),
    Shape("choices.jsonl", jsonl(chosen), "multiple_choice",
          {"text": "question", "choices": "choices", "answer": "answer"}),
]  # fmt: skip

ASKED = [
    Shape("only_texts.csv", table(("text", sentence)), asks="'text' can be read, but no column looks like what is to be learnt; add one"),
    Shape("prose.txt", plain("\n".join(sentence(n) for n in ROWS)), asks="no column looks like what is to be learnt"),
    Shape("two_texts.csv", table(("left", sentence), ("right", lambda n: sentence(n + 3))),
          asks="it could be generation or retrieval"),
    Shape("title_and_body.csv", labelled(("title", lambda n: sentence(n + 2))),
          asks="several columns could be the text, or two of them a pair"),
    Shape("headerless_pair.csv", table(("", sentence), ("", lambda n: sentence(n + 2)), ("", topic), header=False),
          asks="several columns could be the text, or two of them a pair"),
    Shape("two_labels.csv", labelled(("intent", lambda n: f"intent_{n % 5}")),
          asks="several columns could be label"),
    Shape("codes.csv", table(("text", sentence), ("label", lambda n: n * n % 7 % 3)),
          asks="it could be classification or ordinal"),
    Shape("counts.csv", table(("text", sentence), ("n", lambda n: n * n % 31)),
          asks="it could be classification or regression"),
    Shape("all_distinct.csv", table(("text", sentence), ("label", lambda n: f"label_{n}")),
          asks="no column looks like what is to be learnt"),
    Shape("four_columns.conll", conll(four_columns, " "), asks="several columns could be tags"),
    Shape("intent_and_slots.jsonl", jsonl(lambda n: {**iobes(n), "text": " ".join(iobes(n)["tokens"]),
                                                     "intent": topic(n)}),
          asks="it could be tagging or classification"),
]  # fmt: skip
