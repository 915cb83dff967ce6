"""Texts, in pairs or alone: what is written, found, or learnt without labels; and graphs of names."""

from __future__ import annotations

from tests.conftest import sentence
from tests.data.exports.writers import COLORS, article, csv_text, german, summary, text, triple
from tests.data.shapes import ROWS, Shape, jsonl

GENERATION = [
    Shape(
        "summaries.csv",
        text(csv_text(["article", "highlights"], lambda n: [article(n), summary(n)])),
        "generation",
        {"text": "article", "target": "highlights"},
    ),
    Shape(
        "summaries.jsonl",
        jsonl(lambda n: {"document": article(n), "summary": summary(n), "id": n}),
        "generation",
        {"text": "document", "target": "summary"},
    ),
    Shape(
        "parallel.tsv",
        text(csv_text(["en", "de"], lambda n: [sentence(n), german(n)], delimiter="\t")),
        asks="it could be generation or retrieval",
    ),
    Shape(
        "translation.jsonl",
        jsonl(lambda n: {"translation": {"en": sentence(n), "de": german(n)}}),
        asks="it could be generation or retrieval",
    ),
    Shape(
        "text_and_target.csv",
        text(csv_text(["input_text", "target_text"], lambda n: [sentence(n), german(n)])),
        "generation",
        {"text": "input_text", "target": "target_text"},
    ),
]

GRAPHS = [
    Shape(
        "triples.tsv",
        text("\n".join("\t".join(triple(n)) for n in range(240))),
        "knowledge_graph",
        {"head": "column_1", "relation": "column_2", "tail": "column_3"},
    ),
    Shape(
        "triples.csv",
        text(csv_text(["head", "relation", "tail"], triple)),
        "knowledge_graph",
        {"head": "head", "relation": "relation", "tail": "tail"},
    ),
    Shape(
        "subject_predicate_object.csv",
        text(csv_text(["subject", "predicate", "object"], triple)),
        "knowledge_graph",
        {"head": "subject", "relation": "predicate", "tail": "object"},
    ),
    Shape(
        "edges.csv",
        text(csv_text(["source", "target", "type"], lambda n: [triple(n)[0], triple(n)[2], triple(n)[1]])),
        "knowledge_graph",
        {"head": "source", "relation": "type", "tail": "target"},
    ),
    Shape(
        "freebase.txt",
        text(
            "\n".join(
                f"/m/0{n % 37:03x}\t/location/{COLORS[n % 3]}\t/m/0{(n * 7 + n // 37) % 41:03x}"
                for n in range(240)
            )
        ),
        "knowledge_graph",
        {"head": "column_1", "relation": "column_2", "tail": "column_3"},
    ),
]

PAIRS = [
    Shape(
        "clicks.csv",
        text(
            csv_text(["query", "title", "clicked"], lambda n: [sentence(n), sentence(n + 2), int(n % 7 == 0)])
        ),
        "click",
        {"text": "query", "text_pair": "title", "outcome": "clicked"},
    ),
    Shape(
        "anchors.jsonl",
        jsonl(lambda n: {"anchor": sentence(n), "positive": sentence(n + 500)}),
        "retrieval",
        {"text": "anchor", "answer": "positive"},
    ),
    Shape(
        "triplets.jsonl",
        jsonl(lambda n: {"query": sentence(n), "positive": article(n), "negative": article(n + 3)}),
        "retrieval",
        {"text": "query", "answer": "positive"},
    ),
    Shape(
        "queries.csv",
        text(csv_text(["query", "product"], lambda n: [sentence(n), article(n % 40)])),
        "retrieval",
        {"text": "query", "answer": "product"},
    ),
    Shape(
        "faq.csv",
        text(csv_text(["question", "answer"], lambda n: [sentence(n) + "?", article(n % 40)])),
        "retrieval",
        {"text": "question", "answer": "answer"},
    ),
    Shape(
        "questions.csv",
        text(csv_text(["question", "answer"], lambda n: [sentence(n) + "?", article(n)])),
        asks="it could be generation or retrieval",
    ),
]

LABEL_FREE = [
    Shape(
        "corpus.txt",
        text("\n".join(article(n) for n in ROWS)),
        asks="no column looks like what is to be learnt",
    ),
    Shape(
        "texts.csv",
        text(csv_text(["text"], lambda n: [article(n)])),
        asks="no column looks like what is to be learnt",
    ),
    Shape(
        "texts.jsonl",
        jsonl(lambda n: {"text": article(n), "meta": {"source": "web"}}),
        asks="no column looks like what is to be learnt",
    ),
    Shape(
        "commas_unquoted.csv",
        text("text\n" + "\n".join(f"one, {sentence(n)}" + ", two" * (n % 4) for n in ROWS)),
        asks="no column looks like what is to be learnt",
    ),
]
