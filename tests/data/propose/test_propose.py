"""Differently shaped files (synthetic, tests/data/shapes.py): each is guessed right, or rightly asked about."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from components import params
from components.data.ingest.ingest import ingest
from components.data.propose import Question, Wishes, _thinned, guess
from components.data.propose.details import scheme_of
from components.data.propose.formats import encoding_of
from components.data.propose.write import write
from components.errors import UserError
from components.files import read_json
from flows.new_task import with_arguments
from tests.conftest import PARAMS, write_sources
from tests.data.shapes import ASKED, GUESSED, ROWS, Shape, jsonl, labelled, sentence, table
from tests.scripts import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose params.yaml is valid; its encoder has not been fetched."""
    write_sources(tmp_path / "sources")
    (tmp_path / "encoder").mkdir()
    (tmp_path / "params.yaml").write_text(PARAMS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(shape: Shape, folder: Path) -> str:
    shape.write(folder / shape.file)
    return str(folder / shape.file)


@pytest.mark.slow
@pytest.mark.parametrize("shape", GUESSED, ids=lambda shape: shape.file)
def test_guesses_right(shape: Shape, project: Path) -> None:
    """Family, columns, format and options; and a run takes in the rows of the entry."""
    found = guess(written(shape, project), Wishes(name="new"))
    keys = found.entry.keys
    assert (keys["family"], keys["columns"]) == (shape.family, shape.columns)
    assert {key: keys["source"][key] for key in shape.source} == shape.source
    assert keys.get("options", {}) == shape.options
    assert found.unread == ""
    write([found.entry], Path("params.yaml"))
    ingest("new", params.load().tasks["new"], 7, project / "data/new")
    card = read_json(project / "data/new/task.json")
    assert set(card["rows"]) == {"train", "validation", "test"}
    assert sum(card["rows"].values()) > 80


def test_moods_are_classes_and_no_levels() -> None:
    """Those of the tutorial: positive, neutral, negative."""
    found = guess(str(ROOT / "examples/tutorial/tweets.csv"), Wishes(name="mood"))
    assert found.entry.keys["family"] == "classification"


@pytest.mark.slow
@pytest.mark.parametrize("shape", ASKED, ids=lambda shape: shape.file)
def test_asks_rightly(shape: Shape, tmp_path: Path) -> None:
    """In one sentence; and every answer that it offers settles it."""
    address = written(shape, tmp_path)
    with pytest.raises(Question) as asked:
        guess(address, Wishes())
    assert shape.asks in str(asked.value)
    for choice in asked.value.choices:
        found = guess(address, with_arguments(Wishes(), choice.arguments))
        said = zip(choice.arguments[::2], choice.arguments[1::2], strict=True)
        named = dict(value.split("=") for flag, value in said if flag == "--column")
        assert named.items() <= found.entry.keys["columns"].items()


def test_there_are_thirty_shapes_and_more() -> None:
    assert len({shape.file for shape in [*GUESSED, *ASKED]}) >= 30


def test_the_documentation_counts_them() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/new-task.md").read_text(encoding="utf-8")
    assert f"{len(GUESSED)} are guessed right and {len(ASKED)} are asked about" in page


@pytest.mark.slow
def test_of_however_many_rows_one_of_every_stretch_is_looked_at() -> None:
    few = [(number, {}) for number in range(50)]
    assert _thinned(few) == few
    many = [number for number, _ in _thinned((number, {}) for number in range(500_000))]
    assert 40_000 <= len(many) <= 80_000
    steps = [after - before for before, after in pairwise(many)]
    assert 0 < min(steps) < max(steps) < 32
    assert many[-1] >= 499_980


@pytest.mark.slow
def test_a_file_that_is_sorted_by_its_labels(tmp_path: Path) -> None:
    """Not only its beginning is looked at, where there is but one label."""
    lines = ["text,label", *(f"{sentence(n)},{'no' if n < 22_000 else 'yes'}" for n in range(25_000))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    found = guess(str(tmp_path / "a.csv"), Wishes())
    assert found.plan.fits["label"].reason == "2 distinct values in 20,000 rows"


@pytest.mark.slow
def test_of_a_large_label_set_it_says_which_families_fit(tmp_path: Path) -> None:
    """Of more rows than are looked at, so that some of the classes are seen once or not at all."""
    lines = ["text,label", *(f"{sentence(n)},class {n % 8000}" for n in range(26_000))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.raises(Question, match="it could be classification or retrieval"):
        guess(str(tmp_path / "a.csv"), Wishes())
    found = guess(str(tmp_path / "a.csv"), Wishes(family="classification"))
    assert "--family retrieval reads them" in found.plan.fits["label"].reason


def test_marks_are_words_of_the_text_to_a_family_that_learns_no_spans(tmp_path: Path) -> None:
    """A generated text keeps its <think>, and a classified one its <head>."""
    source = tmp_path / "new.jsonl"
    jsonl(lambda n: {"text": f"<head>{sentence(n)}</head> of it", "topic": f"topic {n % 3}"})(source)
    found = guess(str(source), Wishes(name="new", family="classification"))
    assert "inline" not in found.entry.keys["source"]
    assert found.shown[0]["text"] == f"<head>{sentence(0)}</head> of it"
    marked = guess(str(source), Wishes(name="new", family="tagging", joint=("topic",)))
    assert marked.entry.keys["source"]["inline"] == "text"


def test_what_stands_at_a_word_now_and_then_is_no_surer_than_other_tags(tmp_path: Path) -> None:
    """Parts of speech, beside features of few words: either could be meant; a column in BIO is."""
    file = tmp_path / "new.conll"
    kinds = {0: "NN", 1: "VB", 2: "DT", 3: "JJ"}
    rows = [(f"w{n % 97}", kinds[n % 4], "SpaceAfter=No" if n % 4 == 3 else "_") for n in range(400)]
    text = "".join("\t".join(row) + ("\n\n" if n % 8 == 7 else "\n") for n, row in enumerate(rows))
    file.write_text(text)
    with pytest.raises(Question, match="several columns could be tags"):
        guess(str(file), Wishes(name="new"))
    file.write_text(text.replace("VB", "B-X").replace("NN", "O").replace("DT", "O").replace("JJ", "O"))
    assert guess(str(file), Wishes(name="new")).entry.keys["columns"]["tags"] == "1"


def test_a_column_that_numbers_the_rows_is_left_aside(tmp_path: Path) -> None:
    columns = ("", lambda n: n + 1), ("", lambda n: n * 7 % 50 / 10), ("", sentence)
    table(*columns, separator="\t", header=False)(tmp_path / "a.tsv")
    found = guess(str(tmp_path / "a.tsv"), Wishes())
    assert found.entry.keys["columns"] == {"text": "column_3", "score": "column_2"}


class TestWishes:
    def test_a_named_column_stands(self, tmp_path: Path) -> None:
        labelled(("title", lambda n: sentence(n + 2)))(tmp_path / "a.csv")
        found = guess(str(tmp_path / "a.csv"), Wishes(columns={"text": "title"}))
        assert found.entry.keys["columns"] == {"text": "title", "label": "label"}

    def test_a_named_family_stands(self, tmp_path: Path) -> None:
        table(("text", sentence), ("stars", lambda n: n % 5))(tmp_path / "a.csv")
        found = guess(str(tmp_path / "a.csv"), Wishes(family="regression"))
        assert found.entry.keys["columns"] == {"text": "text", "score": "stars"}

    @pytest.mark.parametrize(
        ("wishes", "expected"),
        [
            (Wishes(family="clasification"), "unknown family 'clasification' (did you mean 'classification'?)"),
            (Wishes(columns={"txt": "text"}), "no role 'txt' (did you mean 'text'?)"),
            (Wishes(columns={"text": "txet"}), "no column 'txet' (did you mean 'text'?); found text, label"),
            (Wishes(family="regression", columns={"score": "label"}), "expected a number"),
        ],
    )  # fmt: skip
    def test_one_that_cannot_be_is_a_sentence(self, tmp_path: Path, wishes: Wishes, expected: str) -> None:
        labelled()(tmp_path / "a.csv")
        with pytest.raises(UserError) as raised:
            guess(str(tmp_path / "a.csv"), wishes)
        assert expected in str(raised.value)
        assert "\n" not in str(raised.value)


class TestEntry:
    def test_rows_that_cannot_be_read_are_counted(self, tmp_path: Path) -> None:
        table(("text", lambda n: sentence(n) if n != 7 else " "), ("label", lambda n: n % 2))(
            tmp_path / "a.csv"
        )
        found = guess(str(tmp_path / "a.csv"), Wishes())
        assert found.unread.startswith("1 of 120 rows cannot be read, the first is row 9: 'text' is empty")

    def test_the_encoders_own_tokenizer_counts(self, tmp_path: Path) -> None:
        from tokenizers import Tokenizer, models, pre_tokenizers

        tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")  # a character, a token
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        table(("text", lambda n: f"{sentence(n)} {'x' * 90}"), ("label", lambda n: n % 2))(tmp_path / "a.csv")
        by_words = guess(str(tmp_path / "a.csv"), Wishes()).entry
        by_tokens = guess(str(tmp_path / "a.csv"), Wishes(), tmp_path).entry
        assert by_words.keys["max_length"] == 32
        assert by_words.remarks["max_length"].endswith("estimated from words")
        assert by_tokens.keys["max_length"] > 96

    def test_the_floor_is_a_little_above_the_trivial_baseline(self, tmp_path: Path) -> None:
        table(("text", sentence), ("label", lambda n: "yes" if n % 4 else "no"))(tmp_path / "a.csv")
        found = guess(str(tmp_path / "a.csv"), Wishes()).entry
        assert found.keys["gate"] == {"metric": "accuracy", "floor": 0.78}  # 0.75 + 0.1 x 0.25, rounded
        assert found.remarks["gate"] == "the trivial baseline has 0.75 on these rows"

    def test_rows_of_one_context_stay_in_one_split(self, tmp_path: Path) -> None:
        jsonl(lambda n: {"premise": sentence(n // 3), "hypothesis": sentence(n), "label": "ny"[n % 2]})(
            tmp_path / "a.jsonl"
        )
        found = guess(str(tmp_path / "a.jsonl"), Wishes()).entry
        assert found.keys["splits"] == {"validation": 0.1, "test": 0.1, "groups": ["text"]}

    def test_a_text_of_five_keeps_no_rows_together_for_a_split_would_be_left_with_none(
        self, tmp_path: Path
    ) -> None:
        jsonl(lambda n: {"premise": sentence(n), "hypothesis": sentence(n % 5), "label": "ny"[n % 2]})(
            tmp_path / "a.jsonl"
        )
        roles = {"text": "premise", "text_pair": "hypothesis", "label": "label"}
        found = guess(str(tmp_path / "a.jsonl"), Wishes(family="classification", columns=roles)).entry
        assert found.keys["splits"] == {"validation": 0.1, "test": 0.1}


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("B-PER I-PER O B-PER", "bio"),
        ("I-PER B-PER O I-ORG I-ORG", "iob1"),
        ("B-PER E-PER O S-ORG", "iobes"),
        ("B-PER M-PER E-PER O S-ORG", "bmes"),
        ("NOUN VERB NOUN", "plain"),
        ("B E S B M E", "plain"),  # word segmentation: tags without types
    ],
)
def test_the_scheme_is_seen_by_how_entities_begin(tags: str, scheme: str) -> None:
    assert scheme_of([tags.split()]) == scheme


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Schöne Grüße"),
        ("utf-8-sig", "Schöne Grüße"),
        ("utf-16", "Schöne Grüße"),
        ("cp1252", "Schöne Grüße aus München, das Café “war” sehr nett – danke… "),
        ("mac_roman", "Schöne Grüße aus München, das Café “war” sehr nett – danke… "),
        ("cp1250", "Zażółć gęślą jaźń, proszę bardzo. "),
        ("cp1251", "Привет, как дела? Посылка не пришла вовремя. "),
        ("gb18030", "我今天在北京买了一本书，质量非常好。"),
        ("shift_jis", "この映画はとても面白いです。配送が遅れました。"),
    ],
)
def test_the_encoding_is_seen_by_its_bytes(encoding: str, text: str) -> None:
    assert encoding_of(Path("a.csv"), (text * 40).encode(encoding), whole=True) == encoding


def database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a)")


def nothing(path: Path) -> None:
    path.mkdir()


BAD = {
    "an empty file": (lambda path: path.write_text(""), "the file is empty, expected rows"),
    "blank lines": (lambda path: path.write_text("\n\n \n"), "the file is empty, expected rows"),
    "one row": (lambda path: path.write_text("text,label\na b c,d\n"), "1 row, expected at least 10"),
    "only a header": (lambda path: path.write_text("text,label\n"), "0 rows, expected at least 10"),
    "a binary file": (lambda path: path.write_bytes(bytes(range(256)) * 9), "a binary file, expected CSV"),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b\x08 and so on"), "packed, and it cannot be unpacked"),
    "Excel": (lambda path: path.write_bytes(b"PK\x03\x04 and so on"), "packed, and it cannot be unpacked"),
    "a database": (database, "an SQLite database; name a query of it under `remotes`"),
    "a folder of nothing": (nothing, "no data file in this folder, expected one of .arrow"),
    "a JSON list": (lambda path: path.write_text('[{"a": 1}]'), "1 row, expected at least 10"),
    "half a Parquet file": (lambda path: path.write_bytes(b"PAR1 and so on"), "not a whole Parquet file"),
    "broken JSON Lines": (lambda path: path.write_text('{"a": 1}\n{"a" 2}\n'), "row 2: not JSON"),
    "an address that is not there": (lambda path: None, "no such file or folder"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_one_sentence(bad: str, tmp_path: Path) -> None:
    make, expected = BAD[bad]
    make(tmp_path / "data")
    with pytest.raises(UserError) as raised:
        guess(str(tmp_path / "data"), Wishes())
    assert expected in str(raised.value)
    assert str(tmp_path / "data") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_has_not_been_downloaded_says_how() -> None:
    with pytest.raises(UserError, match="not fetched yet; `dvc repro download@corpus`"):
        guess("downloads/corpus/a.csv", Wishes())


def test_a_data_set_saved_to_disk(tmp_path: Path) -> None:
    """The folder that `datasets.DatasetDict.save_to_disk` leaves, and class numbers that have names."""
    import datasets

    labels = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = {"text": [sentence(n) for n in ROWS], "label": [n % 2 for n in ROWS]}
    one = datasets.Dataset.from_dict(rows, features=labels)
    datasets.DatasetDict(train=one, test=one).save_to_disk(str(tmp_path / "corpus"))
    found = guess(str(tmp_path / "corpus"), Wishes())
    assert found.entry.keys["source"]["format"] == "huggingface"
    assert found.entry.keys["source"]["files"] == {"train": "train", "test": "test"}
    assert found.entry.keys["splits"] == {"validation": 0.1}
    assert found.shown[1]["label"] == "yes"


def test_an_arrow_stream(tmp_path: Path) -> None:
    content = pa.table({"text": [sentence(n) for n in ROWS], "label": ["ab"[n % 2] for n in ROWS]})
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), content.schema) as file:
        file.write_table(content)
    assert guess(str(tmp_path / "a.arrow"), Wishes()).entry.keys["source"]["format"] == "arrow"
