"""Tables as spreadsheets, data frames and people write them: encodings, separators, and names of columns."""

from __future__ import annotations

from tests.conftest import sentence
from tests.data.exports.writers import (
    LABEL,
    RAW,
    csv_text,
    frame,
    frame_csv,
    review,
    text,
)
from tests.data.shapes import Shape, topic

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
]
