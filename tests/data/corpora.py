"""Files as public data sets, platforms and tools lay them out: what `new-task` must make of each.

All of them are synthetic, as in exports/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import sentence
from tests.data.corpus_rows import (
    amazon,
    chat,
    common_sense,
    doccano_relations,
    hellaswag,
    label_studio_relations,
    massive,
    numbers_of,
    pick,
    prodigy_relations,
    related,
    said,
    science,
    share,
    slots,
    snli,
    yelp,
)
from tests.data.exports.writers import (
    LABEL,
    article,
    bio,
    csv_text,
    document,
    ends,
    located_text,
    review,
    text,
    tokens,
)
from tests.data.kinds.made import write_ods, write_xlsx
from tests.data.shapes import ROWS, Shape, genres, jsonl, plain, topic


def brat_relations(path: Path) -> None:
    path.mkdir()
    for n in range(40):
        content, one, other, kind = related(n)
        link = f"R1\t{kind} Arg1:T1 Arg2:T2\n" if kind else ""
        notes = f"T1\tPER {one['start']} {one['end']}\talice\nT2\tORG {other['start']} {other['end']}\tacme\n{link}"
        (path / f"{n}.txt").write_text(content)
        (path / f"{n}.ann").write_text(notes)


def imdb(path: Path) -> None:
    """Reviews by their mood, and more without one."""
    for first, split in ((0, "train"), (400, "test")):
        for number, name in enumerate(["pos", "neg"]):
            (path / split / name).mkdir(parents=True)
            for n in range(30):
                content = article(first + 200 * number + n)
                (path / split / name / f"{n}_{n % 10 + 1}.txt").write_text(content)
        (path / split / "urls_pos.txt").write_text("http://www.imdb.com/title/tt0453418\n" * 30)
    (path / "train" / "unsup").mkdir()
    for n in range(70):
        (path / "train" / "unsup" / f"{n}_0.txt").write_text(article(900 + n))
    (path / "imdb.vocab").write_text("the\nand\n")
    (path / "README").write_text("Large Movie Review Dataset")


def newsgroups(path: Path) -> None:
    for number, name in enumerate(["alt.atheism", "comp.graphics", "sci.space"]):
        (path / name).mkdir(parents=True)
        for n in range(30):
            content = f"From: jos\xe9@example.org\nSubject: {sentence(n)}\n\n{article(100 * number + n)}\n"
            (path / name / f"{49960 + n}").write_bytes(content.encode("latin-1"))


def competition(path: Path) -> None:
    """A test set without what is to be learnt."""
    path.mkdir()
    names = ["id", "keyword", "location", "text"]
    kept = csv_text(
        [*names, "target"], lambda n: [n, pick(n, "ablaze", "flood", ""), "", sentence(n), n * n % 7 % 2]
    )
    asked = csv_text(names, lambda n: [n, pick(n, "ablaze", "flood", ""), "", sentence(n + 700)])
    text(kept)(path / "train.csv")
    text(asked)(path / "test.csv")


def three_formats(path: Path) -> None:
    path.mkdir()
    text(csv_text(["text", "label"], lambda n: [sentence(n), topic(n)]))(path / "train.csv")
    jsonl(lambda n: review(n + 300))(path / "dev.jsonl")


def with_info(path: Path) -> None:
    """Numbers of classes in JSON Lines, and their names beside."""
    path.mkdir()
    jsonl(lambda n: {"tokens": tokens(n), "ner_tags": numbers_of(n)})(path / "train.jsonl")
    feature = {"feature": {"names": ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"], "_type": "ClassLabel"}}
    info = {"default": {"features": {"ner_tags": {**feature, "_type": "Sequence"}}}}
    (path / "dataset_infos.json").write_text(json.dumps(info))


def data_set(path: Path) -> None:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

    names = ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG"])
    features = Features({"tokens": List(Value("string")), "ner_tags": List(names)})
    splits = {
        split: Dataset.from_dict(
            {"tokens": [tokens(n) for n in rows], "ner_tags": [numbers_of(n) for n in rows]}, features
        )
        for split, rows in {
            "train": range(100),
            "validation": range(200, 240),
            "test": range(300, 340),
        }.items()
    }
    DatasetDict(splits).save_to_disk(path)


def sheets(rows: Sequence[Sequence[Any]], **others: Sequence[Sequence[Any]]) -> Callable[[Path], None]:
    return lambda path: write_xlsx(path, rows, others=others)


def two_columns() -> list[list[Any]]:
    return [[sentence(n), topic(n)] for n in ROWS]


def avro(path: Path) -> None:
    import polars as pl

    pl.DataFrame({"text": [sentence(n) for n in ROWS], "label": [topic(n) for n in ROWS]}).write_avro(path)


def orc(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import orc as form

    form.write_table(pa.table({"text": [sentence(n) for n in ROWS], "label": [topic(n) for n in ROWS]}), path)


def ods(path: Path) -> None:
    """Below a title and a blank row, one column to the right."""
    write_ods(
        path, [["", "Export of May"], [], ["", "text", "label"], *[["", *row] for row in two_columns()]]
    )


CORPORA = [
    Shape("snli.jsonl", jsonl(snli), "classification",
          {"text": "sentence1", "text_pair": "sentence2", "label": "gold_label"}, {"filter": {"gold_label": {"not": "-"}}}),
    Shape("hidden_label.jsonl", jsonl(lambda n: {"text": sentence(n), "label": -1 if n % 11 == 0 else n % 3}),
          asks="it could be classification or ordinal"),
    Shape("sts_header.tsv", plain("\n".join(["index\tgenre\tsentence1\tsentence2\tscore"] + [
              f'{n}\tmain-captions\t{"" if n % 9 else chr(34)}{said(n)}\t{said(n + 1)}\t{n % 51 / 10:.3f}' for n in ROWS])),
          "regression", {"text": "sentence1", "text_pair": "sentence2", "score": "score"}, {"quoting": False}),
    Shape("fasttext.txt", plain("\n".join(f"__label__{topic(n)} {sentence(n)}" for n in ROWS)), "classification", LABEL,
          {"format": "fasttext"}),
    Shape("fasttext_several.txt", plain("\n".join(" ".join(f"__label__{name}" for name in genres(n)) + f" {sentence(n)}" for n in ROWS)),
          "multi_label", {"text": "text", "labels": "labels"}, {"format": "fasttext"}),
    Shape("fasttext_quoted.csv", plain("\n".join(f'__label__{topic(n)} , "{sentence(n)}"' for n in ROWS)), "classification", LABEL,
          {"format": "fasttext"}),
    Shape("aclImdb", imdb, "classification", LABEL,
          {"format": "class_folders", "files": {"train": "train", "test": "test"}, "filter": {"label": {"not": "unsup"}}}),
    Shape("20news-18828", newsgroups, "classification", LABEL, {"format": "class_folders", "encoding": "cp1252"}),
    Shape("massive.jsonl", jsonl(massive), "classification", {"text": "utt", "label": "intent"},
          {"split_column": "partition", "split_values": {"dev": "validation", "test": "test", "train": "train"}}),
    Shape("atis.train.csv", text(csv_text(["id", "tokens", "slots", "intent"], slots)), asks="it could be tagging or classification"),
    Shape("amazon.json", jsonl(amazon), "ordinal", {"text": "reviewText", "label": "overall"}, {"labels": ["1", "2", "3", "4", "5"]}),
    Shape("yelp.json", jsonl(yelp), "ordinal", {"text": "text", "label": "stars"}, {"labels": ["1", "2", "3", "4", "5"]}),
    Shape("stack_exchange.csv", text(csv_text(["Id", "Body", "Tags"], lambda n: [n * 10, f"<p>{article(n)}</p>", "".join(f"<{name}>" for name in genres(n))])),
          "multi_label", {"text": "Body", "labels": "Tags"}),
    Shape("spam.csv", text("v1,v2,,,\r\n" + "".join(f'{"ham" if n % 7 else "spam"},"{said(n)} \xa3{n}",,,\r\n' for n in ROWS), "latin-1"),
          "classification", {"text": "v2", "label": "v1"}, {"encoding": "cp1252"}),
    Shape("sentiment140.csv", text("".join(
              f'"{0 if n < 60 else 4}","{1467810369 + n * 211}","Mon Apr 06 22:{n % 60:02}:45 PDT 2009","NO_QUERY","user{n % 50}","@ada{n} {sentence(n)} caf\xe9"\n'
              for n in ROWS), "latin-1"), "classification", {"text": "column_6", "label": "column_1"}),
    Shape("ag_news.csv", text(csv_text(["Class Index", "Description"], lambda n: [n % 4 + 1, article(n)])), asks="it could be classification or ordinal"),
    Shape("go_emotions.tsv", text("".join(f"{sentence(n)}\t{','.join(map(str, sorted({n % 7, n * 3 % 5 if n % 3 else n % 7})))}\teebb{n:04x}\n" for n in ROWS)),
          asks="it could be multi_label or regression"),
    Shape("emotion.txt", text("".join(f"{sentence(n)};{pick(n, 'joy', 'anger', 'fear')}\n" for n in ROWS)), "classification",
          {"text": "column_1", "label": "column_2"}, {"separator": ";"}),
    Shape("mrpc.tsv", text("\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n" + "".join(
              f'{n % 2}\t{n * 7 + 100}\t{n * 11 + 200}\t{said(n)} "quoted\t{said(n + 1)}\r\n' for n in ROWS)),
          asks="several columns could be the text, or two of them a pair"),
    Shape("nlp-getting-started", competition, "classification", {"text": "text", "label": "target"}, {"files": {"train": "train.csv"}}),
    Shape("three_formats", three_formats, refused="the splits of a task are of one format"),
    Shape("boolq.jsonl", jsonl(lambda n: {"question": f"is it {sentence(n)}", "answer": n % 2 == 0, "passage": article(n)}), "classification",
          {"text": "question", "text_pair": "passage", "label": "answer"}),
    Shape("clinc.json", document({split: [[sentence(n), f"i_{n % 5}"] for n in rows]
                                  for split, rows in {"train": range(120), "val": range(200, 240), "test": range(300, 340)}.items()}),
          "classification", {"text": "column_1", "label": "column_2"}, {"format": "json_table", "split_column": "split"}),
    Shape("rasa.json", document({"rasa_nlu_data": {"common_examples": [
              {"text": located_text(n), "intent": topic(n), "entities": [{"start": ends(n)[0], "end": ends(n)[1], "value": "alice", "entity": "name"}]}
              for n in ROWS], "regex_features": [], "lookup_tables": []}}), asks="it could be tagging or classification"),
    Shape("data_server.json", document({"features": [{"name": "text"}, {"name": "label"}], "rows": [{"row_idx": n, "row": review(n)} for n in ROWS]}),
          "classification", {"text": "row.text", "label": "row.label"}, {"format": "json_table"}),
    Shape("common_sense.jsonl", jsonl(common_sense), "multiple_choice", {"text": "question.stem", "choices": "question.choices", "answer": "answerKey"}),
    Shape("science.jsonl", jsonl(science), "multiple_choice", {"text": "question", "choices": "choices", "answer": "answerKey"}),
    Shape("hellaswag.jsonl", jsonl(hellaswag), "multiple_choice", {"text": "ctx", "choices": "endings", "answer": "label"}),
    Shape("swag.csv", text(csv_text(["", "sent1", "ending0", "ending1", "ending2", "label"],
              lambda n: [n, sentence(n), sentence(n + 1), sentence(n + 2), sentence(n + 3), n % 3])),
          asks="multiple_choice"),
    Shape("messages.jsonl", jsonl(chat), "generation", {"turns": "turns", "target": "target"}, {"format": "chat"}),
    Shape("conversations.json", document([share(n) for n in ROWS]), "generation", {"turns": "turns", "target": "target"}, {"format": "chat"}),
    Shape("prompts.jsonl", jsonl(lambda n: {"prompt": f"{sentence(n)} ->", "completion": f" {article(n)}"}), "generation",
          {"text": "prompt", "target": "completion"}),
    Shape("dolly.jsonl", jsonl(lambda n: {"instruction": said(n), "response": article(n), "category": pick(n, "open_qa", "brainstorming")}),
          asks="it could be generation or classification"),
    Shape("preferences.jsonl", jsonl(lambda n: {"prompt": sentence(n), "chosen": article(n), "rejected": article(n + 7)}), "generation",
          {"text": "prompt", "target": "chosen"}),
    Shape("backslashes.csv", text('"id","text","label"\n' + "".join(f'"{n}","she said \\"{sentence(n)}\\", ok","{topic(n)}"\n' for n in ROWS)),
          "classification", LABEL, {"escape": "\\"}),
    Shape("doccano.csv", text(csv_text(["id", "text", "label"], lambda n: [n, sentence(n), "#".join(genres(n))])),
          asks="it could be multi_label or classification"),
    Shape("answers_alone.csv", text(csv_text(["question", "context", "answer_text"], lambda n: [f"{sentence(n)}?", f"{article(n)} globex", "globex"])),
          "span", {"question": "question", "context": "context", "answers": "answer_text"}),
    Shape("types_as_keys.jsonl", jsonl(lambda n: {"text": located_text(n), "entities": {"PER": [list(ends(n))]}}),
          asks="no column looks like what is to be learnt"),
    Shape("label_studio.csv", text(csv_text(["annotation_id", "annotator", "id", "label", "lead_time", "text"], lambda n: [
              n, 1, n, json.dumps([{"start": ends(n)[0], "end": ends(n)[1], "text": "alice", "labels": ["PER"]}]), 3.2 + n, located_text(n)])),
          "tagging", {"text": "text", "spans": "label"}),
    Shape("webanno.tsv", text("#FORMAT=WebAnno TSV 3.3\n#T_SP=de.tudarmstadt.NamedEntity|value\n\n\n" + "1-1\t0-3\tAda\tPER\t\n" * 30),
          refused="export it as CoNLL 2002"),
    Shape("qualtrics.csv", text('StartDate,Status,Q1,Q2\r\n"Start Date","Response Type","How satisfied are you?","Why?"\r\n'
              '"{""ImportId"":""startDate""}","{""ImportId"":""status""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2_TEXT""}"\r\n'
              + "".join(f"2024-01-0{n % 9 + 1} 10:00:00,IP Address,{pick(n, 'well', 'so so', 'badly')},{sentence(n)}\r\n" for n in ROWS)),
          "classification", {"text": "Q2", "label": "Q1"}, {"skip_after_header": 2}),
    Shape("rows_of_r.txt", text('"text" "label"\n' + "".join(f'"{n + 1}" "{sentence(n)}" "{topic(n)}"\n' for n in ROWS)), "classification", LABEL,
          {"separator": " ", "header": ["rownames", "text", "label"]}),
    Shape("search_dump.jsonl", jsonl(lambda n: {"_index": "tickets", "_id": f"a{n}", "_source": {"body": sentence(n), "category": topic(n)}}),
          "classification", {"text": "_source.body", "label": "_source.category"}),
    Shape("clicks_of_users.csv", text(csv_text(["user", "item", "clicked"], lambda n: [f"u{n % 17}", f"i{n * 7 % 29}", int(n % 5 == 0)])), "click",
          {"text": "item", "categorical": ["user"], "outcome": "clicked"}),
    Shape("impressions.csv", text(csv_text(["user_id", "item_title", "category", "price", "timestamp", "clicked"], lambda n: [
              n % 17, sentence(n * 7 % 29), pick(n, "toys", "books"), round(n % 13 * 1.7, 2), 1700000000 + n * 60, int(n % 5 == 0)])), "click",
          {"text": "item_title", "categorical": ["user_id", "category"], "numeric": ["price"], "outcome": "clicked"}),
    Shape("ratings.csv", text(csv_text(["userId", "movieId", "rating"], lambda n: [n % 17 + 1, n * 7 % 29 + 1, (n % 10 + 1) / 2])),
          asks="no column looks like the text"),
    Shape("slack.json", document([{"type": "message", "user": f"U{n}", "text": sentence(n), "ts": f"17{n:08}.0001"} for n in ROWS]),
          asks="no column looks like what is to be learnt"),
    Shape("doccano_relations.jsonl", jsonl(doccano_relations), asks="spans, and relations between them"),
    Shape("prodigy_relations.jsonl", jsonl(prodigy_relations), asks="spans, and relations between them"),
    Shape("label_studio_relations.json", document([label_studio_relations(n) for n in ROWS]), asks="spans, and relations between them"),
    Shape("brat_relations", brat_relations, asks="spans, and relations between them"),
    Shape("sentence_repeated.csv", text("Sentence,Word,Tag\n" + "".join(
              f'"{" ".join(tokens(n))}",{word},{tag}\n' for n in ROWS for word, tag in zip(tokens(n), bio(n), strict=True))),
          "tagging", {"tokens": "Word", "tags": "Tag"}, {"sentence": "Sentence"}),
    Shape("universal.conllu", text("\n".join(f"# sent_id = {n}\n# text = {' '.join(tokens(n))}\n" + "".join(
              f"{i}\t{word}\t{word}\t{'PROPN' if i % 2 else 'VERB'}\t_\t_\t{i - 1}\t_\t_\t_\n" for i, word in enumerate(tokens(n), 1)) for n in ROWS) + "\n"),
          "tagging", {"tokens": "form", "tags": "upos"}, {"format": "conllu"}, {"scheme": "plain"}),
    Shape("numbers_of_tags.json", document({"data": [{"tokens": tokens(n), "ner_tags": numbers_of(n)} for n in ROWS]}),
          asks="'ner_tags' holds numbers: `label_map`"),
    Shape("with_info", with_info, "tagging", {"tokens": "tokens", "tags": "ner_tags"},
          {"format": "jsonl", "label_map": {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-ORG", "4": "I-ORG"}}, {"scheme": "bio"}),
    Shape("data_set", data_set, "tagging", {"tokens": "tokens", "tags": "ner_tags"},
          {"format": "huggingface", "files": {"train": "train", "validation": "validation", "test": "test"}}),
    Shape("sheet.xlsx", sheets([["text", "label"], *two_columns()]), "classification", LABEL, {"format": "xlsx", "sheet": None}),
    Shape("sheet_of_formulas.xlsx", sheets([["text", "label"], *[[row[0], f'=IF(LEN(A{n})>40,"a","b")'] for n, row in enumerate(two_columns(), 2)]]),
          refused="column 'label' has formulas without their values"),
    Shape("sheet_below_a_title.xlsx", sheets([[None, "Export of May"], [], [None, "text", "label"], *[[None, *row] for row in two_columns()]]),
          "classification", LABEL, {"header": ["text", "label"], "skip_after_header": 3}),
    Shape("sheet_without_names.xlsx", sheets(two_columns()), "classification", {"text": "column_1", "label": "column_2"}),
    Shape("sheets.xlsx", sheets([["Read me"], ["Tickets of May."]], Tickets=[["text", "label"], *two_columns()], More=[["x", "y"]]),
          "classification", LABEL, {"sheet": "Tickets"}),
    Shape("sheet_with_blank_columns.xlsx", sheets([["text", None, "label"], *[[row[0], None, row[1]] for row in two_columns()]]), "classification", LABEL),
    Shape("sheet_with_merged_cells.xlsx", sheets([["topic", "text"], *[[topic(n) if n % 4 == 0 else None, sentence(n)] for n in ROWS]]),
          asks="where cells are merged"),
    Shape("sheet.ods", ods, "classification", LABEL, {"format": "ods", "header": ["text", "label"]}),
    Shape("rows.avro", avro, "classification", LABEL, {"format": "avro"}),
    Shape("rows.orc", orc, "classification", LABEL, {"format": "orc"}),
    Shape("python_objects.jsonl", text("\n".join(str(review(n)) for n in ROWS)), refused="objects as Python writes them"),
    Shape("crosses.csv", text(csv_text(["text", "late", "broken", "lost"], lambda n: [sentence(n), *["x" if n % k == 0 else "" for k in (2, 3, 5)]])),
          "multi_label", {"text": "text", "labels": ["late", "broken", "lost"]}),
    Shape("bulk.jsonl", plain("\n".join(f"{json.dumps({'index': {'_id': n}})}\n{json.dumps(review(n))}" for n in ROWS)),
          "classification", LABEL, {"filter": {"label": {"not_empty": True}}}),
]  # fmt: skip
