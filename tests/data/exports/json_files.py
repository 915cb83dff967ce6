"""JSON in its many forms."""

from __future__ import annotations

import json

from tests.conftest import sentence
from tests.data.exports.writers import (
    LABEL,
    article,
    differing,
    document,
    frame_json,
    nested,
    review,
    summary,
    text,
)
from tests.data.shapes import ROWS, TOPICS, Shape, genres, jsonl, topic

JSON = [
    Shape(
        "nested.jsonl",
        jsonl(nested),
        "classification",
        {"text": "payload.message.body", "label": "meta.label"},
    ),
    Shape("differing_keys.jsonl", jsonl(differing), "classification", LABEL),
    Shape(
        "mixed_types.jsonl",
        jsonl(lambda n: {"text": sentence(n), "label": n % 3 if n % 2 else str(n % 3)}),
        asks="it could be classification or ordinal",
    ),
    Shape(
        "with_mark.jsonl",
        text("\n".join(json.dumps(review(n)) for n in ROWS), "utf-8-sig"),
        "classification",
        LABEL,
    ),
    Shape(
        "blank_lines.jsonl", text("\n\n".join(json.dumps(review(n)) for n in ROWS)), "classification", LABEL
    ),
    Shape(
        "spaces.jsonl", text("\n".join("  " + json.dumps(review(n)) for n in ROWS)), "classification", LABEL
    ),
    Shape("array.json", document([review(n) for n in ROWS]), "classification", LABEL, {"format": "json"}),
    Shape(
        "array.jsonl",
        document([review(n) for n in ROWS], indent=2),
        "classification",
        LABEL,
        {"format": "json"},
    ),
    Shape("columns.json", frame_json("columns"), "classification", LABEL, {"format": "json_table"}),
    Shape("index.json", frame_json("index"), "classification", LABEL, {"format": "json_table"}),
    Shape("split.json", frame_json("split"), "classification", LABEL, {"format": "json_table"}),
    Shape("table.json", frame_json("table"), "classification", LABEL, {"format": "json_table"}),
    Shape(
        "data_key.json",
        document({"version": 1, "data": [review(n) for n in ROWS]}),
        "classification",
        LABEL,
        {"format": "json_table"},
    ),
    Shape(
        "chat.jsonl",
        jsonl(
            lambda n: {
                "messages": [
                    {"role": "user", "content": sentence(n)},
                    {"role": "assistant", "content": summary(n)},
                ]
            }
        ),
        "generation",
        {"turns": "turns", "target": "target"},
        {"format": "chat"},
    ),
    Shape(
        "instructions.json",
        document([{"instruction": sentence(n), "input": "", "output": article(n)} for n in ROWS]),
        "generation",
        {"text": "instruction", "target": "output"},
    ),
    Shape(
        "numbers_and_names.jsonl",
        jsonl(lambda n: {"text": sentence(n), "label": TOPICS.index(topic(n)), "label_text": topic(n)}),
        "classification",
        {"text": "text", "label": "label_text"},
    ),
    Shape(
        "values.json",
        document([[sentence(n), topic(n)] for n in ROWS]),
        "classification",
        {"text": "column_1", "label": "column_2"},
        {"format": "json"},
    ),
    Shape(
        "labels_as_objects.json",
        document([{"title": sentence(n), "labels": [{"name": name} for name in genres(n)]} for n in ROWS]),
        "multi_label",
        {"text": "title", "labels": "labels"},
    ),
    Shape(
        "luis.json",
        document(
            {
                "luis_schema_version": "7.0.0",
                "intents": [{"name": name} for name in TOPICS],
                "utterances": [{"text": sentence(n), "intent": topic(n), "entities": []} for n in ROWS],
            }
        ),
        "classification",
        {"text": "text", "label": "intent"},
        {"format": "json_table"},
    ),
]
