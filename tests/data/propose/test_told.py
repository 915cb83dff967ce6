"""How a file is read, told by its beginning: its format, encoding, separator and header; or what it is, if no
data. Layouts that were once read otherwise, a row each."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from components.data.propose.formats import source_of_file
from components.data.propose.single_byte import TONES
from components.errors import UserError
from tests.conftest import sentence
from tests.data.exports.writers import bio, tokens
from tests.data.shapes import ROWS, topic

WORDS = [(tokens(n), bio(n)) for n in range(30)]


def rows(form: str, header: str = "") -> str:
    """A line a row; each text has a comma, as prose has."""
    lines = (form.format(text=f"{sentence(n)}, or so", label=topic(n), n=n) for n in ROWS)
    return "\n".join([*([header] if header else []), *lines]) + "\n"


def words(form: str, between: str = "\n", header: str = "") -> str:
    blocks = (
        "".join(form.format(w=w, t=t, i=i) for i, (w, t) in enumerate(zip(*each, strict=True)))
        for each in WORDS
    )
    return header + between.join(blocks)


def lists(*sizes: int) -> str:
    return json.dumps(
        {f"class {k}": [f"{sentence(n)} {k}" for n in range(size)] for k, size in enumerate(sizes)}
    )


def encoded(text: str, encoding: str) -> bytes:
    if encoding == "cp1258":  # Windows gives tones a byte of their own behind the vowel
        text = "".join(map(with_tone_apart, unicodedata.normalize("NFC", text)))
    return "".join(f'"{text} {n}",{"ab"[n % 2]}\n' for n in range(60)).encode(encoding)


def with_tone_apart(letter: str) -> str:
    vowel, *marks = unicodedata.normalize("NFD", letter)
    tones = "".join(mark for mark in marks if mark in TONES)
    return unicodedata.normalize("NFC", vowel + "".join(mark for mark in marks if mark not in TONES)) + tones


COLUMNS = {"header": ["column_1", "column_2"]}
TOLD: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "tilde.csv": (rows("{text}~{label}", "text~label"), {"format": "csv", "separator": "~"}),
    "caret.txt": (rows("{text}^{label}", "text^label"), {"format": "csv", "separator": "^"}),
    "hive.txt": (rows("{text}\x01{label}"), {"format": "csv", "separator": "\x01", **COLUMNS}),
    "bars.csv": (rows("{label}|{text}"), {"format": "csv", "separator": "|", **COLUMNS}),
    "a_semicolon_in_texts.csv": (rows("{label},{n} ways; or so"), {"format": "csv", **COLUMNS}),
    "a_bar_in_texts.csv": (rows("{n} ways | on TV,{label}"), {"format": "csv", **COLUMNS}),
    "blanks_behind_tabs.tsv": (rows("{label}\t {n} ways,or"), {"format": "tsv", **COLUMNS}),
    "a_bar_and_numbers.csv": (rows("{n},0,ways {n}|or so"), {"format": "csv", "header": ["column_1", "column_2", "column_3"]}),
    "numbers_before_texts.csv": (rows("{n},5;{n} ways"), {"format": "csv", "separator": ";", **COLUMNS}),
    "a_tilde_in_texts.csv": (rows("{label},see http://x.org/~{n}"), {"format": "csv", **COLUMNS}),
    "two_labels_a_text.csv": (rows("{n} ways,{label};new"), {"format": "csv", **COLUMNS}),
    "two_colons_in_texts.csv": (rows("std::{n} is wrong,{label}", "text,label"), {"format": "csv"}),
    "two_colons_without_names.csv": (rows("std::{n} is wrong,{label}"), {"format": "csv", **COLUMNS}),
    "a_number_before_bars.csv": (rows("1|{text}"), {"format": "csv", "separator": "|", **COLUMNS}),
    "a_number_before_spaced_bars.csv": (rows("1 | {n} ways"), {"format": "csv", "separator": "|", **COLUMNS}),
    "brackets.txt": (rows("('{n} ways it's said)"), {"format": "tsv", "quoting": False}),
    "numbers_with_commas.csv": (rows("{text};{n},5"), {"format": "csv", "separator": ";", **COLUMNS}),
    "prose.txt": (rows("{label}: {text} {n}"), {"format": "tsv", "quoting": False, "header": ["column_1"]}),
    "blanks_before_texts.csv": (rows("{n} ways, It never came {n}"), {"format": "csv", **COLUMNS}),
    "blanks_before_numbers.csv": (rows("{n} ways, 0.{n}"), {"format": "csv", **COLUMNS}),
    "blanks_and_names.csv": (rows("{n} ways, it never came {n}", "question, answer"), {"format": "csv"}),
    "some_in_quotes.csv": (rows("{n} ways", 'text\n"one, two"'), {"format": "csv"}),
    "a_title_above.csv": ("Of May,,\n,,\n" + rows('{n},"{text}",{label}', "id,text,label"),
                          {"format": "csv", "header": ["id", "text", "label"], "skip_after_header": 3}),
    "a_value_in_each_column.csv": (rows('"{text}",{label},x', "text,,"), {"format": "csv"}),
    "one_column.csv": (rows('"{text}"', "text"), {"format": "csv"}),
    "blanks_behind_commas.csv": (rows('"{text}", "{label}"', '"text", "label"'), {"format": "csv"}),
    "a_comma_more.csv": (rows('"{text}",{label},', "text,label"),
                         {"format": "csv", "header": ["text", "label", "column_3"], "skip_after_header": 1}),
    "names_in_two_rows.csv": ("Id,What?,Which?,,\n,Open-Ended Response,late,wet,lost\n" + rows('{n},"{text}",late,,lost'),
                              {"format": "csv", "header": ["Id", "What?", "late", "wet", "lost"], "skip_after_header": 2}),
    "utf32.csv": (rows('"{text}",{label}', "text,label").encode("utf-32"), {"format": "csv", "encoding": "utf-32"}),
    "plus.conllup": (words("{i}\t{w}\t{t}\n", header="# global.columns = ID FORM NER\n"), {"format": "conll"}),
    "quoted.conll": (words('"{w}"\t"{t}"\n'), {"format": "conll", "separator": "\t"}),
    "commas.conll": (words("{w},{t}\n", header="token,tag\n"),
                     {"format": "conll", "separator": ",", "header": ["token", "tag"]}),
    "spaced.conll": (words("bc/00   {i}   {w}   *   {t}\n", header="#begin document (bc/00); part 000\n"), {"format": "conll"}),
    "arguments.conll": ("\n".join(words(f"{{i}} {{w}} {{t}}{' A0' * (k % 3)}\n") for k in range(3)), {"format": "conll"}),
    "classes.json": (lists(40, 30), {"format": "class_lists"}),
    "classes_or_columns.json": (lists(40, 40), {"format": "json_table"}),
    "columns.json": (json.dumps({"en": ["a b", "c d"], "de": ["e f", "g h"]}), {"format": "json_table"}),
    "splits.json": (json.dumps({"train": ["a b", "c d", "e f"], "test": ["g h"]}), {"format": "json_table"}),
    "labels_by_text.json": (json.dumps({sentence(n): ["a", "b", "c"][: 2 + n % 2] for n in ROWS}), {"format": "json_table"}),
    "chatbot.json": (json.dumps({"intents": [{"tag": str(k), "patterns": ["hi you", f"yes {k}"], "responses": ["a"]} for k in range(3)]}),
                     {"format": "class_lists"}),
    "documents.json": (json.dumps([{"topic": topic(n), "sentences": [sentence(n), sentence(n + 1)]} for n in ROWS]), {"format": "json"}),
    "spacy_2.json": (json.dumps([{"id": 0, "paragraphs": [{"sentences": [{"tokens": [{"orth": "Ada", "ner": "U-PER"}]}]}]}]),
                     {"format": "spacy_train"}),
}  # fmt: skip
REFUSED = {
    "movies.dat": (rows("{n}::{text}::{label}|b"), "'::' between its columns"),
    "libsvm.txt": (rows("1 3:0.5 {n}:1"), "a file of features (LIBSVM, Vowpal Wabbit)"),
    "wabbit.txt": (rows("-1 |text {text}"), "a file of features (LIBSVM, Vowpal Wabbit)"),
    "pairs.txt": (rows("('{text}', '{label}')"), "tuples as Python writes them"),
    "single_quotes.csv": (rows("'{text}','{label}'", "text,label"), "single quotes"),
    "unquoted.csv": (rows("{text},{label}", "text,label"), "120 of 120 rows have other fields than the 2 of the header"),
    "unquoted_in_part.csv": (rows("{text},{label}", "text,label").replace(", or", " or", 80),
                             "40 of 120 rows have other fields than the 2 of the header"),
    "module.js": (f"export default {lists(3, 4)}", "a program"),
    "comments.json": (f"// of May\n{lists(3, 4)}", "JSON with comments"),
    "rows.toml": ('# of May\n[[rows]]\ntext = "a"\n', "a file of TOML"),
    "cas.xmi": ('<?xml version="1.0"?><xmi:XMI xmlns:xmi="http://www.omg.org/XMI"/>', "UIMA's XMI; export them as CoNLL 2002"),
    "cas.json": ('{"%TYPES": {}, "%FEATURE_STRUCTURES": []}', "UIMA's JSON; export them as CoNLL 2002"),
    "bio_c.json": ('{"source": "x", "documents": [{"passages": [{"offset": 0, "infons": {}}]}]}', "BioC; write a row for each passage"),
    "pubtator.txt": ("12|t|A title.\n12|a|A text.\n12\t0\t1\tA\tX\tD1\n", "PubTator's export"),
    "labelbox.ndjson": ('{"data_row": {"id": "c1", "row_data": "Ada slept"}, "projects": {"p": {"labels": []}}}\n', "Labelbox's export; write a row"),
    "cluener.json": ('{"text": "Ada \\"A\\" slept", "label": {"name": {"Ada": [[0, 2]]}}}\n' * 9, "CLUENER's places of names by their type"),
    "scierc.json": ('{"clusters": [], "sentences": [["Ada", "slept"]], "ner": [[[0, 0, "P"]]], "relations": [[]], "doc_key": "a"}\n',
                    "documents as of SciERC and DyGIE"),
    "argilla.json": ('[{"id": "a", "fields": {"text": "Ada slept"}, "responses": {"mood": [{"value": "x", "user_id": "1"}, {"value": "y", "user_id": "2"}]}}]',
                     "records of Argilla 2"),
    "azure.json": ('{"metadata": {"projectKind": "CustomEntityRecognition"}, "assets": {"documents": [{"entities": [{"regionOffset": 0}]}]}}',
                   "Azure's labels, whose texts are files of their own"),
}  # fmt: skip
TEXTS = {
    "cp1252": ["20°C ±1 µm ¼ off", "• ok … ×2 ÷", "ÉTÉ À LA PLAGE", "Más: ¿qué pasó, José? Müller, Zoë, Ångström",
               "Le colis n’est jamais arrivé à l’hôtel, déçu", "Schöne Grüße aus Köln", "Pakkinn kom aldrei, ég er ósáttur það"],
    "mac_roman": ["Die Größe stimmt nicht, schöne Grüße"],
    "cp850": ["Paketet har ännu inte kommit från Göteborg, å", "El paquete aún no llegó, ¿qué pasó?, más días"],
    "cp1250": ["Przesyłka wciąż nie dotarła, proszę o zwrot pieniędzy", "Příliš žluťoučký kůň úpěl ďábelské ódy",
               "A csomag még nem jött, őszintén szűkös idő", "Coletul nu a ajuns încă, vă rog şi", "550 a, Łódź"],
    "iso8859_2": ["Przesyłka wciąż nie dotarła, proszę o zwrot pieniędzy", "A csomag még nem jött, őszintén szűkös idő"],
    "cp1257": ["Sūtījums vēl nav pienācis, ļoti žēl, šodien", "Pakk pole veel kohale jõudnud, õnneks, šokk, ää"],
    "iso8859_13": ["Siunta dar neatvyko, prašau grąžinti pinigus, ačiū"],
    "cp1251": ["Посылка не пришла вовремя"],
    "koi8_u": ["Посылка не пришла вовремя", "Ми довго чекали відповіді"],
    "cp866": ["Посылка не пришла вовремя"],
    "cp1253": ["Το δέμα δεν έφτασε ποτέ"],
    "cp1254": ["İstanbul'a gelmedi, ŞİKÂYET", "Kargo hâlâ gelmedi, çok üzgünüm, şikâyet"],
    "cp1255": ["החבילה לא הגיעה בזמן"],
    "cp1256": ["لم تصل الشحنة في الوقت"],
    "cp1258": ["Gói hàng vẫn chưa đến, tôi rất thất vọng", "Đường đi khó quá", "dịch vụ tốt, cảm ơn"],
    "cp874": ["พัสดุยังไม่มาถึงเลย"],
    "gb18030": ["包裹还没有到，我很生气，请尽快处理订单"],
    "euc_kr": ["소포가 아직 도착하지 않았습니다"],
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_is_read_as_what_it_is(name: str, tmp_path: Path) -> None:
    content, keys = TOLD[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert source_of_file(tmp_path / name) == keys


@pytest.mark.parametrize("name", REFUSED)
def test_is_no_data_and_says_what_it_is(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as refused:
        source_of_file(tmp_path / name)
    assert words in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "text"), [(name, text) for name, some in TEXTS.items() for text in some]
)
def test_an_older_encoding_is_told_by_the_letters_of_its_languages(
    encoding: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_bytes(encoded(text, encoding))
    found = source_of_file(tmp_path / "rows.csv")["encoding"]
    assert encoded(text, encoding).decode(found) == encoded(text, encoding).decode(encoding)
