"""What stands in the cells of tables: numbers and money, lists, objects, answers of several people."""

from __future__ import annotations

import csv
import json

from tests.conftest import sentence
from tests.data.exports.writers import (
    LABEL,
    brackets,
    csv_text,
    decimal,
    number,
    stars,
    text,
)
from tests.data.shapes import ROWS, Shape, genres, jsonl, topic

CELLS = [
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
    Shape(
        "money.csv",
        text(csv_text(["description", "price"], lambda n: [sentence(n), f"${1000 + n * 37 % 101:,}.50"])),
        "regression",
        {"text": "description", "score": "price"},
        {"decimal": ".", "units": {"price": "$"}},
    ),
    Shape(
        "euros.csv",
        text(
            csv_text(
                ["text", "preis"], lambda n: [sentence(n), f"{decimal(abs(number(n)))} €"], delimiter=";"
            )
        ),
        "regression",
        {"text": "text", "score": "preis"},
        {"decimal": ",", "units": {"preis": "€"}},
    ),
    Shape(
        "weights.csv",
        text(csv_text(["text", "weight"], lambda n: [sentence(n), f"{n * 37 % 101} kg"])),
        "regression",
        {"text": "text", "score": "weight"},
        {"units": {"weight": "kg"}},
    ),
    Shape(
        "thousands.csv",
        text(csv_text(["text", "score"], lambda n: [sentence(n), f"{500 + n * 37 % 101 * 13:,}"])),
        asks="'score' has numbers such as '1,462', which can be read in two ways",
    ),
    Shape(
        "thousands_with_points.csv",
        text(
            csv_text(
                ["text", "score"], lambda n: [sentence(n), f"{500 + n * 37 % 101 * 13:,}".replace(",", ".")]
            )
        ),
        asks="'score' has numbers such as '1.462', which can be read in two ways",
    ),
    Shape(
        "millions.csv",
        text(csv_text(["text", "score"], lambda n: [sentence(n), f"{990_000 + n * 37 % 101 * 131:,}"])),
        "regression",
        {"text": "text", "score": "score"},
        {"decimal": "."},
    ),
    Shape(
        "three_digits.csv",
        text(csv_text(["text", "score"], lambda n: [sentence(n), f"{1 + n * 37 % 101 / 20:.3f}"])),
        "regression",
        {"text": "text", "score": "score"},
        {"decimal": None},
    ),
    Shape(
        "one_quoted_column.csv",
        text(csv_text(["text"], lambda n: [f"{sentence(n)}, or so"], quoting=csv.QUOTE_ALL)),
        asks="'text' can be read, but no column looks like what is to be learnt",
    ),
    Shape(
        "floors.csv",
        text(csv_text(["text", "floor"], lambda n: [sentence(n), f"floor {n % 4}"])),
        "classification",
        {"text": "text", "label": "floor"},
        {"units": None},
    ),
    Shape(
        "accounts.csv",
        text(csv_text(["text", "amount"], lambda n: [sentence(n), f"({n}.50)" if n % 3 else f"{n * 7}.25"])),
        "regression",
        {"text": "text", "score": "amount"},
    ),
    Shape(
        "counted_stars.csv",
        text(
            csv_text(["review", "rating"], lambda n: [sentence(n), f"{stars(n)} star" + "s" * (stars(n) > 1)])
        ),
        "ordinal",
        {"text": "review", "label": "rating"},
        {"labels": ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]},
    ),
    Shape(
        "full_stars.csv",
        text(csv_text(["review", "said"], lambda n: [sentence(n), "★" * stars(n) + "☆" * (5 - stars(n))])),
        "ordinal",
        {"text": "review", "label": "said"},
        {"labels": ["★☆☆☆☆", "★★☆☆☆", "★★★☆☆", "★★★★☆", "★★★★★"]},
    ),
    Shape(
        "objects_of_python.csv",
        text(csv_text(["text", "labels"], lambda n: [sentence(n), str({"late": n % 2, "wet": n % 3 == 0})])),
        "multi_label",
        {"text": "text", "labels": "labels"},
    ),
    Shape(
        "choices_of_label_studio.csv",
        text(
            csv_text(
                ["id", "text", "topics"],
                lambda n: [n, sentence(n), json.dumps({"choices": ["a", "bc"[n % 2]]}) if n % 4 else "a"],
            )
        ),
        "multi_label",
        {"text": "text", "labels": "topics"},
    ),
    Shape(
        "lists_of_one.jsonl",
        jsonl(lambda n: {"text": sentence(n), "label": [topic(n)]}),
        "classification",
        LABEL,
    ),
    Shape(
        "vectors.csv",
        text(csv_text(["text", "labels"], lambda n: [sentence(n), str([n % 2, 1 - n % 2, int(n % 3 == 0)])])),
        asks="'labels' has a 0 or 1 for each label",
    ),
    Shape(
        "squad_by_pandas.csv",
        text(
            csv_text(
                ["id", "context", "question", "answers"],
                lambda n: [
                    n,
                    f"{sentence(n)} says alice",
                    f"who says {n}?",
                    f"{{'text': array(['alice'], dtype=object), 'answer_start': array([{len(sentence(n)) + 6}])}}",
                ],
            )
        ),
        "span",
        {"question": "question", "context": "context", "answers": "answers"},
    ),
    Shape(
        "start_of_its_own.csv",
        text(
            csv_text(
                ["context", "question", "answer_text", "answer_start"],
                lambda n: [
                    f"{sentence(n)} says alice and then alice",
                    f"who says {n}?",
                    "alice",
                    len(sentence(n)) + 21,
                ],
            )
        ),
        "span",
        {"question": "question", "context": "context", "answers": "answer_text", "start": "answer_start"},
    ),
    Shape(
        "rows.xml", text("<rows><row><text>a b</text></row></rows>"), refused="no element of this XML repeats"
    ),
    Shape(
        "labelled_in_part.csv",
        text(csv_text(["text", "label"], lambda n: [sentence(n), topic(n) if n % 3 else ""])),
        "classification",
        LABEL,
        {"filter": {"label": {"not_empty": True}}},
    ),
    Shape(
        "yes_and_no.csv",
        text(
            csv_text(
                ["text", "late", "wet", "lost"],
                lambda n: [sentence(n), *(["no", "yes"][n % k == 0] for k in (2, 3, 5))],
            )
        ),
        "multi_label",
        {"text": "text", "labels": ["late", "wet", "lost"]},
    ),
    Shape(
        "survey.csv",
        text(
            "ID,What happened?,How was it?\n,Open-Ended Response,Response\n"
            + "".join(f"{n},{sentence(n)},{topic(n)}\n" for n in ROWS)
        ),
        "classification",
        {"text": "What happened?", "label": "How was it?"},
        {"skip_after_header": 1},
    ),
    Shape(
        "names_in_two_rows.csv",
        text(",meta,meta,y\n,id,text,label\n" + "".join(f"{n},{n},{sentence(n)},{topic(n)}\n" for n in ROWS)),
        "classification",
        LABEL,
        {"header": ["column_1", "id", "text", "label"], "skip_after_header": 2},
    ),
    Shape(
        "arrays_of_postgres.csv",
        text(csv_text(["text", "labels"], lambda n: [sentence(n), "{" + ",".join(genres(n)) + "}"])),
        "multi_label",
        {"text": "text", "labels": "labels"},
    ),
    Shape(
        "tags_between_blanks.csv",
        text(csv_text(["text", "tags"], lambda n: [sentence(n), " ".join(genres(n)[: 1 + n % 2])])),
        "multi_label",
        {"text": "text", "labels": "tags"},
        options={"separator": " "},
    ),
    Shape(
        "escapes_of_html.csv",
        text(csv_text(["text", "label"], lambda n: [f"{sentence(n)} &amp; more", topic(n)])),
        "classification",
        LABEL,
        {"unescape_html": True},
    ),
    Shape(
        "elements_of_html.csv",
        text(csv_text(["text", "label"], lambda n: [f"<p>{sentence(n)} &amp; more</p>", topic(n)])),
        "classification",
        LABEL,
        {"unescape_html": None},
    ),
    Shape(
        "counted_classes.csv",
        text(
            csv_text(["text", "said"], lambda n: [sentence(n), f"{stars(n)} - level {'abcde'[stars(n) - 1]}"])
        ),
        asks="it could be classification or ordinal",
    ),
    Shape(
        "three_raters.csv",
        text(
            csv_text(
                ["text", "rater_id", "joy", "fear", "calm"],
                lambda n: [sentence(n // 3), n % 3, *[int(n * n % (7 + k) % 3 == 0) for k in range(3)]],
            )
        ),
        "multi_label",
        {"text": "text", "labels": ["joy", "fear", "calm"]},
    ),
]
