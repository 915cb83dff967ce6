"""Packed files, and rows that teach several things."""

from __future__ import annotations

import bz2
import gzip
import json

from tests.conftest import sentence
from tests.data.exports.writers import LABEL, RAW, archive, csv_text, raw, review, text
from tests.data.shapes import ROWS, Shape, topic

PACKED = [
    Shape(
        "packed.csv.gz", raw(gzip.compress(RAW.encode(), mtime=0)), "classification", LABEL, {"format": "csv"}
    ),
    Shape(
        "packed.jsonl.bz2",
        raw(bz2.compress("\n".join(json.dumps(review(n)) for n in ROWS).encode())),
        "classification",
        LABEL,
        {"format": "jsonl"},
    ),
    Shape("packed.zip", archive({"rows.csv": RAW}), "classification", LABEL, {"format": "csv"}),
    Shape("two_members.zip", archive({"a.csv": RAW, "b.csv": RAW}), refused="a zip archive of 2 files"),
    Shape("cut_off.csv.gz", raw(gzip.compress(RAW.encode(), mtime=0)[:-30]), refused="cannot be unpacked"),
]

JOINT = [
    Shape(
        "aspects.csv",
        text(
            csv_text(
                ["review", "food", "service"],
                lambda n: [sentence(n), ["bad", "good"][n % 2], ["slow", "fast", "none"][n % 3]],
            )
        ),
        asks="several columns could be label",
    ),
    Shape(
        "intent_and_mood.csv",
        text(
            csv_text(
                ["text", "intent", "sentiment"], lambda n: [sentence(n), topic(n), ["down", "up"][n % 2]]
            )
        ),
        asks="several columns could be label",
    ),
]
