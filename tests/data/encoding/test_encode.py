"""Encoded rows are those of the data, whole and in order, however many record batches hold them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, normalizers, processors

from components.data.contract.rows import read_rows
from components.data.encoding import encode as encoding
from components.data.encoding.encode import encode
from components.data.encoding.reading import reading_of
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.ingest.ingest import ingest
from components.errors import UserError
from components.settings.project import Task

JOINT = {
    "slots": {"family": "tagging", "columns": {"tags": "tags"}, "gate": {"metric": "entity_f1", "floor": 0}},
    "mood": {"family": "regression", "columns": {"score": "mood"}, "gate": {"metric": "r2", "floor": 0}},
}


@pytest.fixture(scope="module", params=[3, 4096])
def folders(
    request, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path
) -> Iterator[tuple[Path, Path]]:
    """A joint task (intent, slots, mood) and a task of pairs, encoded in record batches of some rows; to be
    read alone."""
    root = tmp_path_factory.mktemp("encoded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "ROWS", request.param)
        for name, task in declared(root).items():
            ingest(name, Task.model_validate(task), 1, root / "data" / name)
            encode(root / "data" / name, tiny_encoder / "tokenizer.json", root / "encoded" / name)
        yield root, tiny_encoder


def declared(root: Path) -> dict[str, dict]:
    """The two tasks, of files that are written into the folder."""
    lines = [
        f"late train {n} paris,{'ab'[n % 2] if n % 3 else ''},{'O O O B-CITY' if n % 4 else ''},{n % 5}"
        for n in range(80)
    ]
    (root / "a.csv").write_text("\n".join(["text,intent,tags,mood", *lines]))
    pairs = [f"train {n},{'late ' * (n % 7)}plane,{n}" for n in range(80)]
    (root / "b.csv").write_text("\n".join(["text,other,score", *pairs]))
    common = {
        "splits": {"validation": 0.2, "test": 0.2},
        "cleaning": {},
        "max_length": 12,
        "gate": {"metric": "", "floor": 0},
        "example": {},
    }
    joint = {**common, "family": "classification", "columns": {"text": "text", "label": "intent"}}
    pair = {"text": "text", "text_pair": "other", "score": "score"}
    return {
        "intent": {**joint, "source": {"path": str(root / "a.csv"), "format": "csv"}, "joint": JOINT},
        "pairs": {
            **common,
            "family": "regression",
            "columns": pair,
            "source": {"path": str(root / "b.csv"), "format": "csv"},
        },
    }


def test_segments_are_the_tokenizers_even_of_a_text_alone(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """XLNet's, for one, gives its class token a segment of its own."""
    root, encoder = folders
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A:0 [SEP]:0 [CLS]:2", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encode(root / "data/intent", tmp_path / "tokenizer.json", tmp_path / "encoded")
    split = EncodedSplit(tmp_path / "encoded/train.arrow")
    ((_, segments),) = split.sequences(0)
    assert segments.tolist() == [0] * (len(segments) - 1) + [2]


def test_tokens_are_those_of_the_text(folders: tuple[Path, Path]) -> None:
    root, encoder = folders
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    rows = read_rows(root / "data/intent", "train", "intent")
    split = EncodedSplit(root / "encoded/intent/train.arrow")
    assert len(split) == len(rows) and not split.several
    assert split.ids() == [row["id"] for row in rows]
    for number, row in enumerate(rows):
        ((ids, segments),) = split.sequences(number)
        assert ids.tolist() == tokenizer.encode(row["text"]).ids
        assert not segments.any()
        assert split.lengths[number] == split.tokens[number] == len(ids)


def test_a_pair_is_two_sequences_cut_each_by_itself(folders: tuple[Path, Path]) -> None:
    root, encoder = folders
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.enable_truncation(12)
    rows = read_rows(root / "data/pairs", "test", "pairs")
    split = EncodedSplit(root / "encoded/pairs/test.arrow")
    assert split.several
    for number, row in enumerate(rows):
        sequences = [ids.tolist() for ids, _ in split.sequences(number)]
        assert sequences == [tokenizer.encode(text).ids for text in (row["text"], row["text_pair"])]
        assert split.lengths[number] == max(map(len, sequences))
        assert split.tokens[number] == sum(map(len, sequences))


def test_every_head_has_its_target_where_its_row_has_one(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    cards = cards_of(root / "encoded/intent")
    assert list(cards) == ["intent", "slots", "mood"]
    assert {card["task"] for card in cards.values()} == {"intent"}
    split = EncodedSplit(root / "encoded/intent/validation.arrow")
    for number, row in enumerate(read_rows(root / "data/intent", "validation", "slots")):
        label, tags, mood = row["label"], row["tags"], None
        labels = cards["intent"]["facts"]["labels"]
        assert split.target(number) == (None if label is None else labels.index(label))
        assert split.target(number, "intent") == split.target(number)
        assert split.labelled()[number] == (label is not None)
        assert split.labelled("slots")[number] == (tags is not None)
        assert (split.layout(number, "slots") is None) == (tags is None)
        mood = split.target(number, "mood")
        deviation, mean = cards["mood"]["facts"]["deviation"], cards["mood"]["facts"]["mean"]
        assert mood * deviation + mean == pytest.approx(int(row["text"].split()[2]) % 5, abs=1e-5)
    assert split.extra_inputs(0) is None and split.layout(0) is None


def test_training_rows_carry_no_layout(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    assert "slots.layout" not in EncodedSplit(root / "encoded/intent/train.arrow").table.column_names


def test_rows_that_are_gathered_are_the_rows_one_by_one(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    for task in ("intent", "pairs"):
        split = EncodedSplit(root / f"encoded/{task}/train.arrow")
        rows = np.random.default_rng(1).permutation(len(split))
        for row, gathered in zip(rows, split.gather(rows), strict=True):
            for (ids, segments), (expected_ids, expected_segments) in zip(
                gathered, split.sequences(row), strict=True
            ):
                assert ids.tolist() == expected_ids.tolist() and ids.dtype == expected_ids.dtype
                assert segments.tolist() == expected_segments.tolist()
                assert segments.dtype == expected_segments.dtype and not ids.flags.owndata


def test_the_tokens_are_read_where_they_lie(folders: tuple[Path, Path]) -> None:
    root, _ = folders
    split = EncodedSplit(root / "encoded/intent/train.arrow")
    ((ids, _),) = split.sequences(1)
    assert not ids.flags.owndata and not ids.flags.writeable
    assert split.lengths.dtype == np.int64


def test_a_file_that_is_no_tokenizer_is_one_sentence(folders: tuple[Path, Path], tmp_path: Path) -> None:
    root, _ = folders
    with pytest.raises(UserError, match=r"a\.csv: not a fast tokenizer"):
        encode(root / "data/intent", root / "a.csv", tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("late train ", ""),
        ("late train " * 20, "warning: intent: every one of its "),
        ("поезд опоздал ", "% of the training tokens are unknown to the tokenizer; is it this encoder's"),
    ],
)
def test_what_looks_wrong_is_said(
    text: str, said: str, tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{text}{n},{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *rows]))
    task = {
        "family": "classification",
        "source": {"path": str(tmp_path / "a.csv"), "format": "csv"},
        "columns": {"text": "text", "label": "label"},
        "splits": {"validation": 0.2, "test": 0.2},
        "cleaning": {},
        "max_length": 12,
    }
    ingest("intent", Task.model_validate(task), 1, tmp_path / "data/intent")
    encode(tmp_path / "data/intent", tiny_encoder / "tokenizer.json", tmp_path / "encoded/intent")
    found = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(found) == bool(said)
    assert all(said in line for line in found)
    scripts = [one.script for one in reading_of(tmp_path / "encoded/intent").unfamiliar]
    assert scripts == (["CYRILLIC"] if "поезд" in text else [])


def test_a_tokenizer_that_pads_and_cuts_of_itself_does_neither(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """As that of the built-in encoder, whose file says 128 tokens for every text."""
    root, encoder = folders
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.enable_padding(length=64)
    tokenizer.enable_truncation(5)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encode(root / "data/intent", tmp_path / "tokenizer.json", tmp_path / "encoded")
    for file in ("train.arrow", "test.arrow", "reading.json"):
        assert (tmp_path / "encoded" / file).read_bytes() == (root / "encoded/intent" / file).read_bytes()


def test_texts_of_which_the_tokenizer_leaves_nothing_are_refused(
    folders: tuple[Path, Path], tmp_path: Path, tiny_encoder: Path
) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Replace(Regex(".*1.*"), "")
    tokenizer.post_processor = processors.Sequence([])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(
        UserError, match=r"data/\w+: the tokenizer knows nothing in 'late train 1.*', and in "
    ):
        encode(folders[0] / "data/intent", tmp_path / "tokenizer.json", tmp_path / "out")
