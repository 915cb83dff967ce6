"""Files that are broken, or are no data."""

from __future__ import annotations

import json

from tests.conftest import sentence
from tests.data.exports.writers import LABEL, RAW, csv_text, number, raw, review, text
from tests.data.shapes import ROWS, Shape, topic

BROKEN = [
    Shape("empty.csv", raw(b""), refused="the file is empty, expected rows"),
    Shape("mark_only.csv", raw(b"\xef\xbb\xbf"), refused="the file is empty, expected rows"),
    Shape("header_only.csv", text("text,label\n"), refused="0 rows"),
    Shape("one_row.csv", text("text,label\na b c,x\n"), refused="1 row, expected at least 10"),
    Shape("one_word.txt", text("word"), refused="expected at least 10"),
    Shape("zeros.csv", raw(b"\0" * 4000), refused="a binary file"),
    Shape("image.png", raw(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8), refused="a picture (PNG)"),
    Shape("document.pdf", raw(b"%PDF-1.7\n" + b"\xe2\xe3\xcf\xd3" + bytes(range(256)) * 9), refused="a PDF document"),
    Shape("huge_field.csv", text(csv_text(["text", "label"], lambda n: [sentence(n) + (" word" * 40_000 if n == 5 else ""), topic(n)])),
          run_refuses="texts have 1 to 10,000 characters"),
    Shape("page.html", text("<!DOCTYPE html>\n<html><body>\n" + "<p>404 Not Found</p>\n" * 30 + "</body></html>\n"), refused="HTML"),
    Shape("feed.xml", text("<?xml version='1.0'?>\n<rss>\n" + "<item><title>a b c</title></item>\n" * 30 + "</rss>\n"), asks="no column looks like the text"),
    Shape("model.pkl", raw(b"\x80\x04\x95" + bytes(range(256)) * 4), refused="a pickle, which is never loaded"),
    Shape("nul_inside.csv", raw(RAW.encode().replace(b"good", b"go\0d")), refused="NUL"),
    Shape("broken_line_50.jsonl", text("\n".join('{"text": "a' if n == 49 else json.dumps(review(n)) for n in ROWS)), "classification", LABEL),
    Shape("numbers.jsonl", text("\n".join(str(n) for n in ROWS)), asks="no column looks like the text"),
    Shape("rows_of_lists.jsonl", text("\n".join(json.dumps([sentence(n), topic(n)]) for n in ROWS)), "classification", {"text": "column_1", "label": "column_2"}, {"format": "jsonl"}),
    Shape("cut_off.json", text(json.dumps([review(n) for n in ROWS])[:-40]), refused="not JSON"),
    Shape("scalar.json", text('"hello"'), refused="0 rows"),
    Shape("empty_list.json", text("[]"), refused="0 rows"),
    Shape("empty_objects.jsonl", text("{}\n" * 40), asks="no column looks like the text"),
    Shape("jagged.csv", text("text,label\n" + "\n".join(f"{sentence(n)},{topic(n)}" + ",x" * (n % 30 == 7) for n in ROWS)), "classification", LABEL),
    Shape("open_quote.csv", text("text,label\n" + "\n".join(('"' if n == 60 else "") + f"{sentence(n)},{topic(n)}" for n in ROWS)), "classification", LABEL),
    Shape("lone_surrogate.jsonl", text("\n".join(json.dumps({"text": sentence(n) + ("\ud83d" if n == 3 else ""), "label": topic(n)}) for n in ROWS)),
          "classification", LABEL),
    Shape("few.csv", text("text,label\n" + "\n".join(f"{sentence(n)},{'ny'[n % 2]}" for n in range(12))), run_refuses="at least 5 rows in"),
    Shape("escapes.csv", text(csv_text(["text", "label"], lambda n: [f"\x1b[31m{sentence(n)}\x07", topic(n)])), "classification", LABEL),
    Shape("duplicate_header.csv", text("text,label,label\n" + "\n".join(f"{sentence(n)},{topic(n)},{n % 2}" for n in ROWS)), asks="several columns could be label"),
    Shape("repeated_header.csv", text(RAW[: len(RAW) // 2].rsplit("\n", 1)[0] + "\n" + RAW), "classification", LABEL),
    Shape("one_class.csv", text(csv_text(["text", "label"], lambda n: [sentence(n), "spam"])), asks="no column looks like what is to be learnt"),
    Shape("all_numbers.csv", text(csv_text(["a", "b", "c"], lambda n: [n, n * 2 % 7, number(n)])), asks="no column looks like the text"),
    Shape("same_text.csv", text(csv_text(["text", "label"], lambda n: ["the same text", topic(n)])), asks="no column looks like the text"),
    Shape("preamble.csv", text("Report of May\r\n\r\n" + RAW), "classification", LABEL, {"skip_after_header": 3}),
    Shape("comments.csv", text("# exported 2024-05-01\r\n" + RAW), "classification", LABEL, {"skip_after_header": 2}),
    Shape("columns_of_blanks.csv", text(csv_text(["text", "label"], lambda n: [" ", " "])), asks="no column looks like the text"),
    Shape("params.yaml", text("seed: 1\ntasks: {}\nmodel: {encoder: e}\n" * 20), refused="it is YAML"),
    Shape("script.py", text("import os\n\ndef f(x):\n    return x\n" * 20), refused="a program, which is never run"),
    Shape("psql.txt", text(" text | label \n------+-------\n" + "".join(f" {sentence(n)} | {topic(n)}\n" for n in ROWS)), refused="a table that is drawn with signs"),
    Shape("printed.txt", text("      text  label\n" + "".join(f"{n}  {sentence(n)}  {topic(n)}\n" for n in ROWS)), refused="a data frame as pandas prints it"),
    Shape("dump.sql", text("-- of May\n" + "".join(f"INSERT INTO t VALUES ('{sentence(n)}', '{topic(n)}');\n" for n in ROWS)), refused="a dump of SQL"),  # noqa: S608
    Shape("colons.dat", text("".join(f"{sentence(n)}::{topic(n)}\n" for n in ROWS)), refused="'::' between its columns, where one"),
    Shape("pretty.json", text("\n".join(json.dumps(review(n), indent=1) for n in ROWS)), refused="several JSON documents, one after the other"),
    Shape("many_classes.csv", text("text,label\n" + "\n".join(f"item number {n} {sentence(n)},class {n % 1500}" for n in range(4500))), asks="it could be classification or retrieval"),
    Shape("answers_few.csv", text(csv_text(["comment", "answered_by"], lambda n: [sentence(n), ["thank you very much indeed", "we are sorry about that", "please write to us"][n % 3]])),
          asks="it could be classification or retrieval"),
]  # fmt: skip  # fmt: skip
