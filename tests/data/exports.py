"""Files as tools export them, and files that are broken: what `new-task` must make of each.

All of them are synthetic. A `Shape` (tests/data/shapes.py) says what is understood (`family`, `columns`), or
what is asked (`asks`), or why the file is refused (`refused`).
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import sentence
from tests.data.shapes import (
    ROWS,
    Shape,
    genres,
    jsonl,
    people,
    topic,
)

COLORS = ["red", "green", "blue"]


def raw(content: bytes) -> Callable[[Path], None]:
    """A writer of these bytes."""

    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def text(content: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    return raw(content.encode(encoding))


def csv_text(names: list[str], row: Callable[[int], list[Any]], end: str = "\r\n", **how: Any) -> str:
    """What Python's csv module writes of the rows, a spreadsheet's line ends by default."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, **how)
    writer.writerow(names)
    writer.writerows(row(n) for n in ROWS)
    return file.getvalue()


def document(rows: list[Any] | dict[str, Any], **how: Any) -> Callable[[Path], None]:
    """One JSON document."""
    return text(json.dumps(rows, ensure_ascii=False, **how))


def review(n: int) -> dict[str, Any]:
    return {"text": sentence(n), "label": topic(n)}


def stars(n: int) -> int:
    return n * 3 % 5 + 1


def number(n: int) -> float:
    return round((n * 37 % 101) / 10 - 3, 2)


def decimal(value: float) -> str:
    return str(value).replace(".", ",")


def summary(n: int) -> str:
    return " ".join(sentence(n).split()[-4:])


def article(n: int) -> str:
    return f"{sentence(n)}. {sentence(n + 40)}. {sentence(n + 80)}."


def german(n: int) -> str:
    return " ".join(f"{word}en" for word in sentence(n).split())


def triple(n: int) -> list[str]:
    return [f"entity {n % 37}", COLORS[n % 3] + "_of", f"entity {(n * 7 + n // 37) % 41}"]


def tokens(n: int) -> list[str]:
    return [word for word, _ in people(n)]


def bio(n: int) -> list[str]:
    return [tag.replace("I-", "B-") for _, tag in people(n)]


def conll_lines(columns: Callable[[int], list[list[str]]], separator: str = " ", before: str = "") -> str:
    """Sentences of one word a line."""
    blocks = [before + "\n".join(separator.join(word) for word in columns(n)) for n in ROWS]
    return "\n\n".join(blocks) + "\n"


def brackets(n: int) -> str:
    return "[" + ", ".join(repr(name) for name in genres(n)) + "]"


def nested(n: int) -> dict[str, Any]:
    return {
        "_id": {"$oid": f"5f{n:022x}"},
        "payload": {"message": {"body": sentence(n)}},
        "meta": {"label": topic(n)},
    }


def differing(n: int) -> dict[str, Any]:
    row = {"text": sentence(n), "label": topic(n)}
    return {**row, "note": "seen"} if n % 7 == 0 else row


def frame(row: Callable[[int], dict[str, Any]]) -> Callable[[Path], None]:
    """A data frame's own Parquet, with its index as a column."""

    def write(path: Path) -> None:
        import pandas as pd

        shuffled = pd.DataFrame([row(n) for n in ROWS]).sample(frac=1, random_state=1)
        shuffled.to_parquet(path)

    return write


def frame_csv(row: Callable[[int], dict[str, Any]], shuffle: bool = True) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import pandas as pd

        rows = pd.DataFrame([row(n) for n in ROWS])
        (rows.sample(frac=1, random_state=1) if shuffle else rows).to_csv(path)

    return write


def frame_json(orient: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import pandas as pd

        pd.DataFrame([review(n) for n in ROWS]).to_json(path, orient=orient)

    return write


def located_text(n: int) -> str:
    return f"{sentence(n)} says alice"


def ends(n: int) -> tuple[int, int]:
    return len(located_text(n)) - 5, len(located_text(n))


def words_in_rows() -> Callable[[Path], None]:
    """A table with one word a row, and the number of its sentence."""
    rows = [[n, word, tag] for n in ROWS for word, tag in zip(tokens(n), bio(n), strict=True)]
    return text("sentence_id,word,tag\n" + "".join(f"{n},{word},{tag}\n" for n, word, tag in rows))


def archive(members: dict[str, str]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name, content in members.items():
                file.writestr(name, content)

    return write


LABEL = {"text": "text", "label": "label"}
RAW = csv_text(["text", "label"], lambda n: [sentence(n), topic(n)])

# --- the table: files as tools export them, and broken ones ---------------------------------------------

TABLES = [
    Shape(
        "excel.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), topic(n)], delimiter=";"), "utf-8-sig"),
        "classification",
        LABEL,
        {"format": "csv", "separator": ";", "encoding": "utf-8-sig"},
    ),
    Shape(
        "tabs.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), topic(n)], delimiter="\t")),
        "classification",
        LABEL,
        {"format": "tsv"},
    ),
    Shape("commas.tsv", text(RAW), "classification", LABEL, {"format": "csv"}),
    Shape(
        "latin1.csv",
        text(
            csv_text(["kommentar", "klasse"], lambda n: [f"Schöne Grüße, {sentence(n)}", topic(n)]), "latin-1"
        ),
        "classification",
        {"text": "kommentar", "label": "klasse"},
        {"format": "csv"},
    ),
    Shape(
        "utf16_le_without_mark.csv",
        text(RAW, "utf-16-le"),
        "classification",
        LABEL,
        {"encoding": "utf-16-le"},
    ),
    Shape(
        "utf16_tabs.txt",
        text(csv_text(["text", "label"], lambda n: [sentence(n), topic(n)], delimiter="\t"), "utf-16"),
        "classification",
        LABEL,
        {"format": "tsv", "encoding": "utf-16"},
    ),
    Shape("old_mac.csv", text(RAW.replace("\r\n", "\r")), "classification", LABEL),
    Shape(
        "lines_in_quotes.csv",
        text(csv_text(["text", "label"], lambda n: [f'{sentence(n)}\n\nsecond, "line" {n}', topic(n)])),
        "classification",
        LABEL,
    ),
    Shape(
        "long_field.csv",
        text(
            csv_text(
                ["text", "label"], lambda n: [sentence(n) + (" word" * 1_500 if n == 5 else ""), topic(n)]
            )
        ),
        "classification",
        LABEL,
    ),
    Shape("data_frame.csv", frame_csv(review), "classification", LABEL),
    Shape("data_frame_unshuffled.csv", frame_csv(review, False), "classification", LABEL),
    Shape(
        "index_of_an_index.csv",
        frame_csv(lambda n: {"Unnamed: 0": (n * 7) % 120, **review(n)}),
        "classification",
        LABEL,
    ),
    Shape("data_frame.parquet", frame(review), "classification", LABEL),
    Shape(
        "data_frame_with_gaps.parquet",
        frame(lambda n: {"text": sentence(n), "label": None if n % 9 == 0 else float(n % 2)}),
        "classification",
        LABEL,
    ),
    Shape(
        "chinese_names.csv",
        text(csv_text(["文本", "标签"], lambda n: [f"{sentence(n)} 很好", "正面" if n % 2 else "负面"])),
        "classification",
        {"text": "文本", "label": "标签"},
    ),
    Shape(
        "german_names.csv",
        text(csv_text(["Nr.", "Anfrage", "Kategorie"], lambda n: [n, sentence(n), topic(n)])),
        "classification",
        {"text": "Anfrage", "label": "Kategorie"},
    ),
    Shape(
        "dots_in_names.csv",
        text(csv_text(["fields.text", "fields.label"], lambda n: [sentence(n), topic(n)])),
        "classification",
        {"text": "fields.text", "label": "fields.label"},
    ),
    Shape(
        "blanks_in_names.csv",
        text(csv_text([" Message body ", "Final label (v2)"], lambda n: [sentence(n), topic(n)])),
        "classification",
        {"text": "Message body", "label": "Final label (v2)"},
    ),
    Shape(
        "reserved_words.csv",
        text(csv_text(["class", "import"], lambda n: [topic(n), sentence(n)])),
        "classification",
        {"text": "import", "label": "class"},
    ),
    Shape(
        "names_with_signs.csv",
        text(csv_text(["text=raw", "label:final, #1"], lambda n: [sentence(n), topic(n)])),
        "classification",
        {"text": "text=raw", "label": "label:final, #1"},
    ),
    Shape(
        "no_and_yes.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), ["no", "yes", "off"][n % 3]])),
        "classification",
        LABEL,
    ),
    Shape(
        "dates_beside.csv",
        text(
            csv_text(
                ["received", "text", "label"], lambda n: [f"2024-0{n % 6 + 1}-01", sentence(n), topic(n)]
            )
        ),
        "classification",
        LABEL,
    ),
    Shape(
        "dates_as_labels.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), f"2024-0{n % 3 + 1}-01"])),
        "classification",
        LABEL,
    ),
    Shape(
        "codes_beside.csv",
        text(
            csv_text(
                ["customer_id", "zip", "text", "label"],
                lambda n: [n % 9, 10115 + n % 7, sentence(n), topic(n)],
            )
        ),
        "classification",
        LABEL,
    ),
    Shape(
        "emoji.csv",
        text(csv_text(["text", "label"], lambda n: [f"{sentence(n)} 🙂", ["😀", "😡"][n % 2]])),
        "classification",
        LABEL,
    ),
    Shape(
        "slashes.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), ["comp/os/ms", "sci/med"][n % 2]])),
        "classification",
        LABEL,
    ),
    Shape(
        "separator_line.csv",
        text("sep=;\r\n" + csv_text(["text", "label"], lambda n: [sentence(n), topic(n)], delimiter=";")),
        "classification",
        LABEL,
        {"separator": ";", "header": ["text", "label"], "skip_after_header": 2},
    ),
    Shape(
        "empty_rows_at_the_end.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), topic(n)], delimiter=";") + ";\r\n;\r\n"),
        "classification",
        LABEL,
        {"separator": ";"},
    ),
    Shape(
        "empty_columns.csv",
        text(csv_text(["text", "label", "", ""], lambda n: [sentence(n), topic(n), "", ""])),
        "classification",
        LABEL,
    ),
    Shape(
        "decimal_comma.csv",
        text(csv_text(["text", "score"], lambda n: [sentence(n), decimal(number(n))], delimiter=";")),
        "regression",
        {"text": "text", "score": "score"},
    ),
    Shape(
        "percents.csv",
        text(csv_text(["text", "score"], lambda n: [sentence(n), f"{abs(number(n))}%"])),
        "regression",
        {"text": "text", "score": "score"},
    ),
    Shape(
        "valences.csv",
        text(csv_text(["text", "valence", "annotator"], lambda n: [sentence(n), number(n), n % 3])),
        "regression",
        {"text": "text", "score": "valence"},
    ),
    Shape(
        "two_texts_and_a_score.csv",
        text(
            csv_text(
                ["sent_a", "sent_b", "similarity"], lambda n: [sentence(n), sentence(n + 2), abs(number(n))]
            )
        ),
        "regression",
        {"text": "sent_a", "text_pair": "sent_b", "score": "similarity"},
    ),
    Shape(
        "two_texts_and_a_label.jsonl",
        jsonl(lambda n: {"premise": sentence(n), "hypothesis": sentence(n + 3), "label": n % 3}),
        asks="it could be classification or ordinal",
    ),
    Shape(
        "tags_with_bars.csv",
        text(csv_text(["text", "tags"], lambda n: [sentence(n), " | ".join(genres(n))])),
        "multi_label",
        {"text": "text", "labels": "tags"},
    ),
    Shape(
        "tags_with_semicolons.csv",
        text(csv_text(["text", "labels"], lambda n: [sentence(n), ";".join(genres(n))])),
        "multi_label",
        {"text": "text", "labels": "labels"},
        options={"separator": ";"},
    ),
    Shape(
        "list_texts.csv",
        text(csv_text(["text", "labels"], lambda n: [sentence(n), brackets(n)])),
        "multi_label",
        {"text": "text", "labels": "labels"},
    ),
    Shape(
        "json_in_a_cell.csv",
        text(csv_text(["text", "labels"], lambda n: [sentence(n), json.dumps(genres(n))])),
        "multi_label",
        {"text": "text", "labels": "labels"},
    ),
    Shape(
        "one_hot.csv",
        text(
            csv_text(
                ["id", "comment_text", "toxic", "obscene", "threat", "insult"],
                lambda n: [f"{n:08x}", sentence(n), *[int(n % k == 0) for k in (2, 3, 5, 7)]],
            )
        ),
        "multi_label",
        {"text": "comment_text", "labels": ["toxic", "obscene", "threat", "insult"]},
    ),
]

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
]

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

WORDS = [
    Shape(
        "conll2003.txt",
        text(
            "-DOCSTART- -X- -X- O\n\n" + conll_lines(lambda n: [[w, "NN", "I-NP", t] for w, t in people(n)])
        ),
        "tagging",
        {"tokens": "0", "tags": "3"},
        {"format": "conll"},
        {"scheme": "iob1"},
    ),
    Shape(
        "two_columns.conll",
        text(conll_lines(lambda n: [[w, t] for w, t in zip(tokens(n), bio(n), strict=True)])),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
    ),
    Shape(
        "crlf.conll",
        text(
            conll_lines(lambda n: [[w, t] for w, t in zip(tokens(n), bio(n), strict=True)]).replace(
                "\n", "\r\n"
            )
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
    ),
    Shape(
        "bilou.conll",
        text(
            conll_lines(
                lambda n: [
                    [w, t]
                    for w, t in zip(
                        [*tokens(n), "New", "York", "Times"],
                        [*bio(n), "B-ORG", "I-ORG", "L-ORG"],
                        strict=True,
                    )
                ]
            ).replace("B-PER", "U-PER")
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
        {"scheme": "bilou"},
    ),
    Shape(
        "multiconer.conll",
        text(
            conll_lines(
                lambda n: [[w, "_", "_", t] for w, t in zip(tokens(n), bio(n), strict=True)],
                before="# id 5f\tdomain=en\n",
            )
        ),
        "tagging",
        {"tokens": "0", "tags": "3"},
        {"format": "conll"},
    ),
    Shape(
        "one_word_a_row.csv",
        text(
            csv_text(
                ["Sentence #", "Word", "POS", "Tag"],
                lambda n: [
                    f"Sentence: {n // 3 + 1}" if n % 3 == 0 else "",
                    ["alice", f"was_{n}", f"acme_{n}"][n % 3],
                    "NN",
                    ["B-PER", "O", "B-ORG"][n % 3],
                ],
            )
        ),
        "tagging",
        {"tokens": "Word", "tags": "Tag"},
        {"sentence": "Sentence #"},
    ),
    Shape(
        "sentence_numbers.csv",
        words_in_rows(),
        "tagging",
        {"tokens": "word", "tags": "tag"},
        {"sentence": "sentence_id"},
    ),
    Shape(
        "lists.jsonl",
        jsonl(lambda n: {"tokens": tokens(n), "ner_tags": bio(n)}),
        "tagging",
        {"tokens": "tokens", "tags": "ner_tags"},
    ),
    Shape(
        "tag_numbers.jsonl",
        jsonl(lambda n: {"tokens": tokens(n), "ner_tags": [int(t != "O") for t in bio(n)]}),
        asks="no column looks like the text",
    ),
    Shape(
        "list_texts_of_words.csv",
        text(csv_text(["tokens", "tags"], lambda n: [repr(tokens(n)), repr(bio(n))])),
        "tagging",
        {"tokens": "tokens", "tags": "tags"},
    ),
    Shape(
        "words_and_tags.tsv",
        text(
            csv_text(["sentence", "tags"], lambda n: [" ".join(tokens(n)), " ".join(bio(n))], delimiter="\t")
        ),
        "tagging",
        {"text": "sentence", "tags": "tags"},
    ),
]

ANNOTATED = [
    Shape(
        "doccano.jsonl",
        jsonl(lambda n: {"text": located_text(n), "label": [[*ends(n), "PER"]]}),
        "tagging",
        {"text": "text", "spans": "spans"},
        {"format": "doccano"},
    ),
    Shape(
        "prodigy.jsonl",
        jsonl(
            lambda n: {
                "text": located_text(n),
                "spans": [{"start": ends(n)[0], "end": ends(n)[1], "label": "PER"}],
                "answer": "accept",
            }
        ),
        "tagging",
        {"text": "text", "spans": "spans"},
        {"format": "prodigy"},
    ),
    Shape(
        "utf16_units.jsonl",
        jsonl(
            lambda n: {
                "text": f"🙂 {located_text(n)}",
                "entities": [{"start": ends(n)[0] + 3, "end": ends(n)[1] + 3, "type": "PER"}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "entities"},
        {"offsets": "utf16"},
    ),
    Shape(
        "last_character.jsonl",
        jsonl(
            lambda n: {
                "text": located_text(n),
                "entities": [{"start": ends(n)[0], "end": ends(n)[1] - 1, "type": "PER"}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "entities"},
        {"end": "inclusive"},
    ),
    Shape(
        "lower_case.conll",
        text(conll_lines(lambda n: [[w, t.lower()] for w, t in zip(tokens(n), bio(n), strict=True)])),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {},
        {"spelling": "any"},
    ),
    Shape(
        "underscores.conll",
        text(
            conll_lines(lambda n: [[w, t.replace("-", "_")] for w, t in zip(tokens(n), bio(n), strict=True)])
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {},
        {"spelling": "any"},
    ),
]

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

BROKEN = [
    Shape("empty.csv", raw(b""), refused="the file is empty, expected rows"),
    Shape("mark_only.csv", raw(b"\xef\xbb\xbf"), refused="the file is empty, expected rows"),
    Shape("header_only.csv", text("text,label\n"), refused="0 rows"),
    Shape("one_row.csv", text("text,label\na b c,x\n"), refused="1 row, expected at least 10"),
    Shape("one_word.txt", text("word"), refused="expected at least 10"),
    Shape("zeros.csv", raw(b"\0" * 4000), refused="a binary file"),
    Shape("image.png", raw(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8), refused="a binary file"),
    Shape("document.pdf", raw(b"%PDF-1.7\n" + b"\xe2\xe3\xcf\xd3" + bytes(range(256)) * 9), refused="a PDF document"),
    Shape("huge_field.csv", text(csv_text(["text", "label"], lambda n: [sentence(n) + (" word" * 40_000 if n == 5 else ""), topic(n)])),
          run_refuses="texts have 1 to 10,000 characters"),
    Shape("page.html", text("<!DOCTYPE html>\n<html><body>\n" + "<p>404 Not Found</p>\n" * 30 + "</body></html>\n"), refused="HTML"),
    Shape("feed.xml", text("<?xml version='1.0'?>\n<rss>\n" + "<item><title>a b c</title></item>\n" * 30 + "</rss>\n"), refused="XML"),
    Shape("model.pkl", raw(b"\x80\x04\x95" + bytes(range(256)) * 4), refused="a binary file"),
    Shape("nul_inside.csv", raw(RAW.encode().replace(b"good", b"go\0d")), refused="NUL"),
    Shape("broken_line_50.jsonl", text("\n".join('{"text": "a' if n == 49 else json.dumps(review(n)) for n in ROWS)), "classification", LABEL),
    Shape("numbers.jsonl", text("\n".join(str(n) for n in ROWS)), asks="no column looks like the text"),
    Shape("rows_of_lists.jsonl", text("\n".join(json.dumps([sentence(n), topic(n)]) for n in ROWS)), refused="expected an object"),
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
    Shape("params.yaml", text("seed: 1\ntasks: {}\nmodel: {encoder: e}\n" * 20), asks="no column looks like the text"),
    Shape("script.py", text("import os\n\ndef f(x):\n    return x\n" * 20), asks="no column looks like the text"),
    Shape("many_classes.csv", text("text,label\n" + "\n".join(f"item number {n} {sentence(n)},class {n % 8000}" for n in range(26_000))), asks="it could be classification or retrieval"),
    Shape("answers_few.csv", text(csv_text(["comment", "answered_by"], lambda n: [sentence(n), ["thank you very much indeed", "we are sorry about that", "please write to us"][n % 3]])),
          asks="it could be classification or retrieval"),
]  # fmt: skip

EXPORTS = [
    *TABLES,
    *JSON,
    *GENERATION,
    *GRAPHS,
    *PAIRS,
    *LABEL_FREE,
    *WORDS,
    *ANNOTATED,
    *PACKED,
    *JOINT,
    *BROKEN,
]
