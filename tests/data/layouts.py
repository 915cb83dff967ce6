"""Data sets of research as their authors lay them out: what `new-task` must make of each.

All of them are synthetic, as in exports/; the layouts are those of the papers that the formats name.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.conftest import sentence
from tests.data.exports.writers import LABEL, article, bio, csv_text, document, german, raw, text, tokens
from tests.data.shapes import ROWS, Shape, genres, jsonl, plain, topic

QUESTIONS = ["DESC:manner", "ENTY:cremat", "HUM:ind", "NUM:date", "DESC:def"]
INTENTS = ["AddToPlaylist", "BookRestaurant", "GetWeather"]
PARTS = ["BACKGROUND", "OBJECTIVE", "METHODS", "RESULTS", "CONCLUSIONS"]
SPLITS = {"train": range(120), "dev": range(200, 240), "test": range(300, 340)}


def question(n: int) -> str:
    return f"{QUESTIONS[n * n % 11 % 5]} Where is {sentence(n)} : caf\xe9 ?\n"


def utterance(n: int) -> dict[str, Any]:
    pieces: list[dict[str, str]] = [
        {"text": f"{sentence(n)} by "},
        {"text": f"alice {n}", "entity": "artist"},
        {"text": " now"},
    ]
    return {"data": pieces}


def tree(words: list[str], n: int) -> str:
    """A sentiment for each part, as chance has it, in two branches."""
    if len(words) == 1:
        return f"({n * 7 % 5} {words[0]})"
    half = 1 + n % (len(words) - 1)
    return f"({n * n % 5} {tree(words[:half], n + 1)} {tree(words[half:], n + 3)})"


def parse(n: int) -> str:
    words = [f"(NN {word})" if len(word) % 2 else f"(VB {word})" for word in sentence(n).split()]
    return f"( (S (NP (DT the) {words[0]})\n    (VP {' '.join(words[1:])} (NP (-NONE- *T*-1)))\n    (. .)) )"


def mrqa(n: int) -> dict[str, Any]:
    context = f"{article(n)} it was globex ."
    start = context.index("globex")
    found: dict[str, Any] = {"text": "globex", "char_spans": [[start, start + 5]], "token_spans": [[9, 9]]}
    asked: dict[str, Any] = {
        "qid": f"q{n}",
        "question": f"who {sentence(n)} ?",
        "question_tokens": [["who", 0]],
    }
    asked |= {"detected_answers": [found], "answers": ["Globex"]}
    return {"id": "", "context": context, "qas": [asked], "context_tokens": [["it", 0]]}


def tagged(n: int, sign: str) -> str:
    return " ".join(f"{word}{sign}{['nn', 'vb', 'at', 'jj'][len(word) % 4]}" for word in sentence(n).split())


def abstract(n: int) -> str:
    lines = [f"{part}\t{sentence(5 * n + place)} , @ patients .\n" for place, part in enumerate(PARTS)]
    return f"###{24491034 + n}\n{''.join(lines)}\n"


def answered(n: int) -> dict[str, Any]:
    answer = ["accept", "reject", "reject", "ignore"][n * n % 11 % 4]
    hashes = {"_input_hash": n, "_task_hash": -n}
    return {"text": sentence(n), "label": "SPORTS", **hashes, "answer": answer, "_timestamp": 1700000000 + n}


def related(n: int) -> str:
    relation = ["Cause-Effect(e1,e2)", "Component-Whole(e2,e1)", "Other"][n * n % 11 % 3]
    return (
        f'{n}\t"The <e1>{topic(n)}</e1> of {sentence(n)} is the <e2>end</e2>."\n{relation}\nComment: {n}\n\n'
    )


def assistant(n: int) -> str:
    """The examples of an intent, as Rasa has them."""
    examples = "".join(f"    - {sentence(50 * n + k)} in [new york](city)\n" for k in range(40))
    return f"- intent: {INTENTS[n]}\n  examples: |\n{examples}"


# --- writers -----------------------------------------------------------------------------------------


def snips(path: Path) -> None:
    for first, intent in enumerate(INTENTS):
        (path / intent).mkdir(parents=True)
        splits = {"train": range(10), "train_full": range(60), "validate": range(60, 80)}
        for split, rows in splits.items():
            name, _, full = split.partition("_")
            found = {intent: [utterance(200 * first + n) for n in rows]}
            file = path / intent / f"{name}_{intent}{'_full' if full else ''}.json"
            file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def slots(path: Path) -> None:
    """Intents in the order of chance, of which one is two at once."""
    intents = ["atis_flight", "atis_airfare", "atis_ground_service"]
    for split, rows in {**SPLITS, "valid": SPLITS["dev"]}.items():
        if split != "dev":
            (path / split).mkdir(parents=True)
            columns = {
                "seq.in": [" ".join(tokens(n)) for n in rows],
                "seq.out": [" ".join(bio(n)) for n in rows],
                "label": [intents[n * n % 11 % 3] for n in rows],
            }
            for name, lines in columns.items():
                (path / split / name).write_text("\n".join(lines) + "\n")


def by_split(lines: Any) -> Any:
    def write(path: Path) -> None:
        path.mkdir()
        for split, rows in SPLITS.items():
            (path / f"{split}.txt").write_text("".join(lines(n) for n in rows))

    return write


def packed(path: Path) -> None:
    header = {"header": {"dataset": "SQuAD", "split": "train"}}
    lines = [json.dumps(header), *(json.dumps(mrqa(n)) for n in ROWS)]
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def joined(path: Path) -> None:
    """Texts, and their labels in a table of their own, in another order."""
    path.mkdir()
    text(csv_text(["doc_id", "body"], lambda n: [f"d{n:03}", sentence(n)]))(path / "texts.csv")
    text(csv_text(["doc_id", "topic"], lambda n: [f"d{119 - n:03}", topic(119 - n)]))(path / "labels.csv")


def by_card(path: Path) -> None:
    """Files whose names say nothing, with the card that does."""
    (path / "data").mkdir(parents=True)
    card = "- {split: train, path: data/a*.csv}\n  - {split: test, path: data/b.csv}"
    (path / "README.md").write_text(
        f"---\nlicense: mit\nconfigs:\n- config_name: default\n  data_files:\n  {card}\n---\n# Rows\n"
    )
    for name in ("a1", "a2", "b"):
        rows = csv_text(["text", "label"], lambda n, name=name: [f"{sentence(n)} {name}", topic(n)])  # type: ignore[misc]
        text(rows)(path / "data" / f"{name}.csv")


def aspects(n: int) -> str:
    """A sentence of SemEval's aspects, with one by its place."""
    found = f'<aspectTerm term="soup" polarity="{["bad", "good"][n % 2]}" from="0" to="4"/>'
    return f'<sentence id="{n}"><text>soup, {sentence(n)}</text><aspectTerms>{found}</aspectTerms></sentence>'


def edition(n: int) -> str:
    return f'<p>{sentence(n)} by <name type="person">alice</name></p>'


def by_author(path: Path) -> None:
    """A training file in each of several folders."""
    for author in ("ada", "bob", "eve"):
        (path / author).mkdir(parents=True)
        rows = [{"text": f"{author} {sentence(n)}", "label": topic(n)} for n in range(50)]
        (path / author / f"train_{author}.jsonl").write_text("\n".join(map(json.dumps, rows)))


def tacred(n: int) -> dict[str, Any]:
    """Subject and object by their first and last words."""
    words = [*tokens(n), "Ann", "Lee", "leads", "Acme", "Ltd"]
    ends = {f"{end}_{side}": len(words) - at for (end, side), at in PLACES.items()}
    return {"id": f"e{n}", "token": words, **ends, "relation": RELATIONS[n % 3]}


PLACES = {("subj", "start"): 5, ("subj", "end"): 4, ("obj", "start"): 2, ("obj", "end"): 1}
RELATIONS = ["per:employee_of", "no_relation", "org:founded_by"]
SPANS = {"head": "head", "tail": "tail"}


def fewrel(n: int) -> dict[str, Any]:
    return {
        "tokens": [*tokens(n), "Ann", "leads", "Acme"],
        "h": ["ann", "Q1", [[len(tokens(n))]]],
        "t": ["acme", "Q2", [[len(tokens(n)) + 2]]],
    }


def in_files(names: dict[str, Any], splits: dict[str, range] = SPLITS) -> Any:
    """A folder of files, each with a line for each row; `{}` in a name is the split's."""

    def write(path: Path) -> None:
        path.mkdir()
        for split, rows in splits.items():
            for name, line in names.items():
                (path / name.format(split)).write_text("".join(f"{line(n)}\n" for n in rows))

    return write


FILES = {"train": "train.txt", "validation": "dev.txt", "test": "test.txt"}
WORDS = {"tokens": "tokens", "tags": "tags"}
LAYOUTS = [
    Shape("snips", snips, asks="it could be tagging or classification"),
    Shape("train_AddToPlaylist_full.json", document({"AddToPlaylist": [utterance(n) for n in ROWS]}), "tagging",
          {"text": "text", "spans": "spans"}, {"format": "snips"}),
    Shape("assistant.json", document({"language": "en", "entities": {}, "intents": {
              intent: {"utterances": [utterance(200 * first + n) for n in range(50)]} for first, intent in enumerate(INTENTS)}}),
          asks="it could be tagging or classification"),
    Shape("train_5500.label", text("".join(map(question, ROWS)), "latin-1"), asks="several columns could be label"),
    Shape("trees", by_split(lambda n: tree([*sentence(n).split(), "-RRB-"], n) + "\n"), asks="it could be classification or ordinal"),
    Shape("wsj.mrg", plain("\n".join(map(parse, ROWS))), "tagging", WORDS, {"format": "trees"}, {"scheme": "plain"}),
    Shape("atis", slots, asks="it could be tagging or classification"),
    Shape("atis.train.w-intent.iob", text("".join(
              f"BOS {' '.join(tokens(n))} EOS\tO {' '.join(bio(n))} {INTENTS[n * n % 11 % 3]}\n" for n in ROWS)),
          asks="it could be tagging or classification"),
    Shape("SQuAD.jsonl.gz", packed, "span", {"question": "question", "context": "context", "answers": "answers"}, {"format": "mrqa"}),
    Shape("brown.txt", plain("\n\n".join(f"\t{tagged(n, '/')} ./." for n in ROWS)), "tagging", WORDS, {"format": "tagged"}, {"scheme": "plain"}),
    Shape("stanford.txt", plain("\n".join(tagged(n, "_") for n in ROWS)), "tagging", WORDS, {"format": "tagged"}, {"scheme": "plain"}),
    Shape("PubMed_20k_RCT", by_split(abstract), "classification", LABEL, {"format": "pubmed_rct", "files": FILES}),
    Shape("textcat.jsonl", jsonl(answered), "classification", LABEL, {"format": "prodigy"}),
    Shape("TRAIN_FILE.TXT", text("".join(map(related, ROWS))), "relation",
          {"text": "text", "head": "head", "tail": "tail", "label": "label"}, {"format": "semeval_relations"}, {"none_class": "Other"}),
    Shape("nlu.yml", text("version: '3.1'\nnlu:\n" + "".join(map(assistant, range(3)))), asks="it could be tagging or classification"),
    Shape("wikiann.txt", plain("\n\n".join("\n".join(f"en:{word}\t{tag}" for word, tag in zip(tokens(n), bio(n), strict=True)) for n in ROWS)),
          "tagging", {"tokens": "0", "tags": "1"}, {"format": "conll"}, {"scheme": "bio"}),
    Shape("tacred.json", document([tacred(n) for n in ROWS]), "relation", {"text": "text", **SPANS, "label": "label"},
          {"format": "token_relations"}, {"none_class": "no_relation"}),
    Shape("fewrel.json", document({f"P{k}": [fewrel(n) for n in range(40 * k, 40 * k + 40)] for k in range(3)}), "relation",
          {"text": "text", **SPANS, "label": "label"}, {"format": "token_relations"}),
    Shape("marked.txt", plain("\n".join(f"{sentence(n)} says [alice](person)" for n in ROWS)), "tagging",
          {"text": "text", "spans": "spans"}, {"format": "inline"}),
    Shape("enamex.txt", plain("\n".join(f"{sentence(n)} says <ENAMEX TYPE=\"PERSON\">Ann Lee</ENAMEX>" for n in ROWS)), "tagging",
          {"text": "text", "spans": "spans"}, {"format": "inline"}),
    Shape("translations", in_files({"{}.en": sentence, "{}.de": german}), asks="it could be generation or retrieval"),
    Shape("summaries", in_files({"{}.source": article, "{}.target": lambda n: sentence(n + 1)}), "generation",
          {"text": "source", "target": "target"}, {"format": "parallel", "files": {"train": "train.source", "validation": "dev.source", "test": "test.source"}}),
    Shape("tweet_eval", in_files({"{}_text.txt": sentence, "{}_labels.txt": lambda n: n % 2}), "classification",
          {"text": "text", "label": "labels"}, {"format": "parallel"}),
    Shape("polarity", in_files({"rt-polarity.pos": sentence, "rt-polarity.neg": lambda n: sentence(n + 500)}, {"": ROWS}), "classification",
          LABEL, {"format": "class_files"}),
    Shape("race.jsonl", jsonl(lambda n: {"article": article(n), "questions": [f"{sentence(n + k)}?" for k in range(4)], "answers": ["A", "B", "A", "D"],
              "options": [[sentence(n + 4 * k + j) for j in range(4)] for k in range(4)]}), asks="no column looks like what is to be learnt"),
    Shape("trailing_blank.conll", plain("\n\n".join("\n".join(f"{word} {tag} " for word, tag in zip(tokens(n), bio(n), strict=True)) for n in ROWS)),
          "tagging", {"tokens": "0", "tags": "1"}, {"format": "conll"}),
    Shape("search.json", document({"took": 3, "hits": {"total": {"value": 120}, "hits": [
              {"_id": str(n), "_source": {"body": sentence(n), "category": topic(n)}} for n in ROWS]}}), "classification",
          {"text": "_source.body", "label": "_source.category"}, {"format": "json_table"}),
    Shape("list.json.gz", raw(gzip.compress(json.dumps([{"text": sentence(n), "label": topic(n)} for n in ROWS]).encode())),
          "classification", LABEL, {"format": "json"}),
    Shape("annotators.csv", plain("text,ann1,ann2,ann3\n" + "\n".join(f"{sentence(n)},{topic(n)},{topic(n + 1)},{topic(n)}" for n in ROWS)),
          asks="several columns could be label"),
    Shape("texts_that_lack.csv", plain("text,label\n" + "\n".join(f"{sentence(n) if n % 4 else ''},{topic(n)}" for n in ROWS)), asks="'text' is empty"),
    Shape("two_encodings.csv", raw(("text,label\n" + "".join(f"größe {sentence(n)},{topic(n)}\n" for n in ROWS)).encode()
              + "größe,other\n".encode("cp1252")), refused="line 122: byte 0xf6 is no UTF-8, as the letters of other lines are"),
    Shape("counted.csv", plain("id,text\n" + "\n".join(f"{n},{sentence(n)}" for n in ROWS)), asks="no column looks like what is to be learnt"),
    Shape("scores_with_none.csv", plain("text,score\n" + "\n".join(f"{sentence(n)},{'N/A' if n % 9 == 1 else n % 17 / 4}" for n in ROWS)),
          "regression", {"text": "text", "score": "score"}, {"filter": {"score": {"not": "N/A"}}}),
    Shape("scores_with_code.csv", plain("text,score\n" + "\n".join(f"{sentence(n)},{-999 if n % 9 == 1 else n % 17 / 4}" for n in ROWS)),
          "regression", {"text": "text", "score": "score"}, {"filter": {"score": {"not": "-999"}}}),
    Shape("stars_with_code.csv", plain("text,stars\n" + "\n".join(f"{sentence(n)},{99 if n % 9 == 1 else n % 5 + 1}" for n in ROWS)),
          "ordinal", {"text": "text", "label": "stars"}, {"filter": {"stars": {"not": "99"}}}),
    Shape("page.csv", plain("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>x</body></html>\n"), refused="a web page ('Sign in') in HTML"),
    Shape("pointer.parquet", plain("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), refused="a pointer of git-lfs"),
    Shape("odd_bytes.csv", raw(b"\x80\x04\x95" + b"abc\x00" * 100), refused="a pickle"),
    Shape("odd_utf16.csv", raw(b"x\x00" + "text,label\n".encode("utf-16-le") * 20 + b"x"), refused="odd_utf16.csv"),
    Shape("joined", joined, "classification", {"text": "body", "label": "topic"},
          {"files": {"train": "texts.csv"}, "join": {"file": "labels.csv", "by": "doc_id"}}),
    Shape("aspects.xml", plain(f"<?xml version='1.0'?>\n<sentences>{''.join(map(aspects, ROWS))}</sentences>"), "tagging",
          {"text": "text", "spans": "aspectTerms"}, {"format": "xml"}),
    Shape("edition.xml", plain(f"<TEI><text>{''.join(map(edition, ROWS))}</text></TEI>"),
          "tagging", {"text": "text", "spans": "spans"}, {"format": "xml"}),
    Shape("illinois.txt", plain("\n".join(f"{sentence(n)} by [PER alice ] of [ORG acme ]" for n in ROWS)), "tagging",
          {"text": "text", "spans": "spans"}, {"format": "inline"}),
    Shape("lists_of_classes.json", document({name: [sentence(40 * k + n) for n in range(40 - k)] for k, name in enumerate(INTENTS)}),
          "classification", LABEL, {"format": "class_lists"}),
    Shape("lists_of_equal_length.json", document({name: [sentence(60 * k + n) for n in range(60)] for k, name in enumerate(INTENTS[:2])}),
          asks="its lists could be texts by their class, or columns of a table"),
    Shape("goal_and_solutions.jsonl", jsonl(lambda n: {"goal": sentence(n), "sol1": sentence(n + 200), "sol2": sentence(n + 400)}),
          asks="several columns could be text and target"),
    Shape("service.json", document({"data": {"items": [{"snippet": {"top": {"snippet": {"display": sentence(n)}}}, "mood": topic(n)} for n in ROWS]},
              "meta": {"version": 2}}), "classification", {"text": "snippet.top.snippet.display", "label": "mood"}, {"format": "json_table"}),
    Shape("of_the_hub", by_card, "classification", LABEL, {"format": "csv", "files": {"train": "data/a*.csv", "test": "data/b.csv"}}),
    Shape("sick.tsv", plain("pair_ID\tsentence_A\tsentence_B\tentailment_label\trelatedness_score\n" + "".join(
              f"{n}\t{sentence(n)}\t{sentence(n + 200)}\t{['ENTAILMENT', 'NEUTRAL'][n * n % 7 % 2]}\t{1 + n * 37 % 41 / 10}\n" for n in ROWS)),
          asks="it could be regression or classification"),
    Shape("file_names.csv", plain("clip,text\n" + "".join(f"{n * 37 % 101}.wav,{sentence(n)}\n" for n in ROWS)),
          asks="no column looks like what is to be learnt"),
    Shape("said_twice.jsonl", jsonl(lambda n: {"text": sentence(n), "inputs": {"text": sentence(n)}, "annotation": topic(n),
              "metrics": {"text_length": len(sentence(n))}}), "classification", {"text": "text", "label": "annotation"}),
    Shape("lemmas.txt", plain("\n".join("".join(f"{i}\t{w}\t{w.removesuffix('s')}\t{w[:4]}\t{t}\n" for i, (w, t) in enumerate(zip(tokens(n), bio(n), strict=True), 1)) for n in ROWS)),
          "tagging", {"tokens": "1", "tags": "4"}, {"format": "conll"}),
    Shape("a_story.csv", text(csv_text(["sentence1", "sentence2", "ending"], lambda n: [sentence(n), sentence(n + 200), sentence(n + 400)])),
          "generation", {"text": "sentence1", "text_pair": "sentence2", "target": "ending"}),
    Shape("deep.jsonl", jsonl(lambda n: {"text": sentence(n), "label": topic(n), "by": {"a": {"b": {"c": {"note": sentence(n + 200), "kind": "xy"[n * n % 7 % 2]}}}}}),
          "classification", LABEL),
    Shape("pairs_by_column.json", document({"premise": [sentence(n) for n in range(60)], "hypothesis": [sentence(60 + n) for n in range(60)]}),
          asks="it could be generation or retrieval"),
    Shape("long_or_short.csv", text(csv_text(["text", "length"], lambda n: [sentence(n), ["short", "long"][n * n % 7 % 2]])),
          "classification", {"text": "text", "label": "length"}),
    Shape("labels_in_lines.csv", text(csv_text(["text", "labels"], lambda n: [sentence(n), "\n".join(genres(n))])), "multi_label",
          {"text": "text", "labels": "labels"}, options={"separator": "\n"}),
    Shape("map.avro", raw(b'Obj\x01\x02\x16avro.schema\x80\x02{"type": "record", "fields": [{"name": "m", "type": {"type": "map"}}]}'),
          refused="its schema has a map"),
    Shape("keys_twice.jsonl", plain("".join(f'{{"text": "{sentence(n)}", "label": "x", "label": "y"}}\n' for n in ROWS)),
          asks="'label' is there twice in a row"),
    Shape("authors", by_author, "classification", LABEL, {"format": "jsonl", "files": {"train": "*/train_*.jsonl"}}),
]  # fmt: skip
