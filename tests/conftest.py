"""Shared fixtures. Everything here is synthetic, small and random: for unit tests only."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from components.environment import quiet

quiet()
# The suite starts hundreds of commands, and without bytecode each compiles all the code again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):  # else each would take every core
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
os.fsync = lambda number: None  # type: ignore[assignment] # of the suite itself: no test cuts the power
if (processor := Path("/proc/cpuinfo")).exists():  # else each training of a new project would measure it
    has = any(flag in processor.read_text() for flag in ("avx512_bf16", "amx_bf16"))
    os.environ.setdefault("ONETRUNK_NATIVE_BF16", str(int(has)))
# Or each of a thousand repositories begins with 18 files of hooks.
os.environ.setdefault("GIT_TEMPLATE_DIR", "")
hypothesis.settings.register_profile("onetrunk", deadline=None)  # a first example may import seconds
hypothesis.settings.register_profile("quick", deadline=None, max_examples=30)
hypothesis.settings.load_profile("onetrunk")


pytest_plugins = ["tests.quick"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays to the end; the garbage collector need not look through it again and again, nor
    through what is new as often as in a process with little memory."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """The process ends: pytest, which looks for what is left five times, need not look through all of it."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file begins first, and those without a slow test last, or one core would wait at the end."""
    length: dict[Path, float] = {}
    for item in items:
        minutes = item.get_closest_marker("minutes")
        own = minutes.args[0] if minutes else 0.1 if item.get_closest_marker("slow") else 0.0
        length[item.path] = max(own, length.get(item.path, 0.0))
    items.sort(key=lambda item: -length[item.path])


WORDS = [
    "good",
    "bad",
    "fine",
    "plane",
    "train",
    "london",
    "paris",
    "alice",
    "bob",
    "acme",
    "the",
    "a",
    "was",
    "is",
    "at",
    "to",
    "from",
    "late",
    "early",
    "great",
    "poor",
]


def build_encoder(folder: Path) -> Path:
    """A randomly initialised two-layer BERT with a WordPiece vocabulary of a few words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, set_seed

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *"abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    set_seed(0)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_encoder(tmp_path_factory.mktemp("encoder"))


def sentence(number: int) -> str:
    """A distinct synthetic sentence."""
    words = [WORDS[(number * 7 + i * (number % 5 + 1)) % len(WORDS)] for i in range(3 + number % 9)]
    return f"{' '.join(words)} {number}"


def write_sources(folder: Path, rows: int = 120) -> None:
    """Synthetic sources of three tasks: mood (classification, jointly with size, which some rows lack),
    people (tagging), closeness (pair regression)."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["text,label,size"]
    sentences, pairs = [], []
    for n in range(rows):
        label = "up" if n % 3 else "down"
        size = ["", "short", "long"][0 if n % 4 == 0 else 1 + (n % 9 > 4)]  # every fourth is not known
        lines.append(f"{'good great' if n % 3 else 'bad poor'} {sentence(n)},{label},{size}")
        name = ["alice", "bob"][n % 2]
        words = [*sentence(n).split(), name, "at", "acme"]
        tags = ["O"] * (len(words) - 3) + ["B-PER", "O", "B-ORG"]
        sentences.append("\n".join(f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)))
        other = sentence(n + 1) if n % 2 else sentence(n)
        pairs.append({"a": sentence(n), "b": other + " x", "score": float(n % 2) + n / rows / 10})
    (folder / "mood.csv").write_text("\n".join(lines) + "\n")
    (folder / "people.conll").write_text("\n\n".join(sentences) + "\n")
    (folder / "closeness.jsonl").write_text("\n".join(json.dumps(pair) for pair in pairs) + "\n")


PARAMS = """\
seed: 7
packages: {}
tasks:
  mood:
    family: classification
    source: {path: sources/mood.csv, format: csv, labels: [down, up]}
    columns: {text: text, label: label}
    splits: {validation: 0.2, test: 0.2}
    cleaning: {}
    max_length: 24
    gate: {metric: accuracy, floor: 0.0, margin: 0.5}
    example: {text: "good plane"}
    joint:
      size:
        family: classification
        columns: {label: size}
        gate: {metric: macro_f1, floor: 0.0, margin: 0.5}
  people:
    family: tagging
    source: {path: sources/people.conll, format: conll}
    columns: {tokens: "0", tags: "1"}
    splits: {validation: 0.2, test: 0.2}
    cleaning: {}
    max_length: 32
    gate: {metric: entity_f1, floor: 0.0, margin: 0.5}
    example: {text: "alice was at acme"}
  closeness:
    family: regression
    source: {path: sources/closeness.jsonl, format: jsonl}
    columns: {text: a, text_pair: b, score: score}
    splits: {validation: 0.2, test: 0.2}
    cleaning: {}
    max_length: 48
    gate: {metric: pearson, floor: -1.0, margin: 0.5}
    example: {text: "good plane", text_pair: "great plane"}
checks: {min_rows: 5}
mixture: {method: temperature, temperature: 2.0}
model: {encoder: encoder, dropout: 0.1}
training:
  tokens: 12000
  tokens_per_step: 300
  tokens_per_micro_batch: 400
  window: 4
  learning_rate: 1.0e-3
  head_learning_rate: 1.0e-2
  evaluate_every: 10
  validation_rows: 20
  patience: 10
  checkpoint_every: 5
evaluation: {confidence: 0.95}
packaging: {name: tiny}
"""


@pytest.fixture
def tiny_project(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml, synthetic sources and a random encoder; the test runs inside it."""
    build_project(tmp_path, tiny_encoder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build_project(root: Path, encoder: Path) -> None:
    write_sources(root / "sources")
    shutil.copytree(encoder, root / "encoder")
    (root / "params.yaml").write_text(PARAMS)


@pytest.fixture
def encoded_project(encoded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny project after ingest, encode and plan: ready to train; the test runs inside it."""
    shutil.copytree(encoded_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Bento of a synthetic project, which stands beside it; a copy, since serving writes bytecode."""
    from tests.once import made_once
    from tests.serving import tiny

    made = made_once(tmp_path_factory, "bento", tiny.build_bento)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("served") / "copy")) / "bento"


@pytest.fixture(scope="session")
def forking_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A folder for PATH whose `python` has the libraries loaded, so that a stage costs what it does."""
    from tests.once import served_once

    with served_once(tmp_path_factory, "tests.forked:loaded") as (folder, _):
        yield folder


@pytest.fixture(scope="module")
def forks(forking_python: str) -> Iterator[None]:
    """What the tests of the file start as `sys.executable` are forks: for a file that kills nothing so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", f"{forking_python}/python")
        yield


@pytest.fixture(scope="session")
def encoded_once(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    from tests.once import made_once

    def make(root: Path) -> None:
        build_project(root, tiny_encoder)
        with contextlib.chdir(root):
            encode_project(root)

    return made_once(tmp_path_factory, "encoded", make)


@pytest.fixture
def shared_project(encoded_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encoded tiny project that was made once, for tests that only read; the test runs inside it."""
    monkeypatch.chdir(encoded_once)
    return encoded_once


def bring_encoder(root: Path) -> None:
    """What the stage `encoder` does."""
    from components import params
    from components.data.sources import encoder
    from components.model.weights import verify

    encoder.bring(params.load(root / "params.yaml"), root, verify)


def encode_project(root: Path) -> None:
    from components import params
    from components.data.encoding import encode
    from components.data.ingest import ingest
    from components.data.mixture import plan
    from components.encoder.place import ENCODER, TOKENIZER

    project = params.load(root / "params.yaml")
    bring_encoder(root)
    for name, task in project.tasks.items():
        ingest.ingest(name, task, project.seed, root / "data" / name)
        encode.encode(root / "data" / name, root / ENCODER / TOKENIZER, root / "encoded" / name)
    plan.plan(project, root / "encoded", {}).write(root / "reports/plan.json")
