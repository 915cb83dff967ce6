"""A synthetic project as it stands before the package stage: a tiny random model, data, reports."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from components import families
from components.evaluation.records import (
    EVALUATION,
    VERDICT,
    Evaluation,
    GateOutcome,
    HeadEvidence,
    MetricEvidence,
    ModelId,
    Outcome,
    TaskVerdict,
    Verdict,
)
from components.files import atomic_folder, sha256
from components.settings.project import Packaging
from tests import verdicts

PACKAGING = Packaging(name="tiny", max_texts=8, max_characters=2000, max_body_bytes=50_000)
OPTIONS = {"class_weights": "none", "label_smoothing": 0.0}
METRICS = {"classification": "accuracy", "tagging": "entity_f1", "regression": "pearson"}
COLUMNS = {
    "classification": {"text": "t", "label": "l"},
    "tagging": {"tokens": "t", "tags": "l"},
    "regression": {"text": "t", "text_pair": "p", "score": "s"},
}
CARDS: dict[str, Any] = {
    "sentiment": {
        "task": "sentiment",
        "family": "classification",
        "facts": {"labels": ["negative", "neutral", "positive"], "options": OPTIONS},
        "max_length": 24,
        "inputs": ["text"],
    },
    "ner": {
        "task": "ner",
        "family": "tagging",
        "facts": {
            "labels": ["LOC", "PER"],
            "tags": ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"],
            "default": "O",
            "options": families.get("tagging").options().model_dump(),
        },
        "max_length": 64,
        "inputs": ["text"],
    },
    "similarity": {
        "task": "similarity",
        "family": "regression",
        "facts": {"pair": True, "mean": 2.5, "deviation": 1.5, "minimum": 0.0, "maximum": 5.0, "options": {}},
        "max_length": 48,
        "inputs": ["text", "text_pair"],
    },
}


def write_project(folder: Path, verdict: Outcome = "PROMOTE") -> Path:
    """Write models/multitask, data, params.yaml and reports below `folder`."""
    write_model(folder / "models/multitask")
    write_params(folder)
    for name in CARDS:
        (folder / "data" / name).mkdir(parents=True)
        for split in ("train", "validation", "test"):
            table = pa.table({"id": ["a", "b"], "text": [f"{name} {split}", "b"]})
            pq.write_table(table, folder / "data" / name / f"{split}.parquet")
    measured = MetricEvidence(
        value=0.9,
        interval=[0.8, 0.95],
        trivial=0.5,
        linear=0.7,
        over_trivial=[0.3, 0.5],
        over_linear=[0.1, 0.3],
        champion=None,
    )
    heads = {
        name: HeadEvidence(
            task=name,
            family=card["family"],
            rows={"train": 2},
            metrics={METRICS[card["family"]]: measured},
            classes=[],
            share=1 / 3,
        )
        for name, card in CARDS.items()
    }
    evaluation = Evaluation(model=_model(folder), champion=None, confidence=0.95, tasks=heads)
    evaluation.write(folder / EVALUATION)
    write_verdict(folder, verdict)
    return folder


def write_params(folder: Path) -> None:
    """Those of this repository with the tasks of the model; rows and encoder are files that no stage reads."""
    params = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    params |= {"packages": {}, "packaging": PACKAGING.model_dump()}
    params["mixture"] = {"method": "temperature", "temperature": 2.0}
    params["training"]["balancing"] = {"weights": "autoscale"}
    params["model"]["encoder"] = "encoder"
    (folder / "encoder").mkdir()
    (folder / "rows.csv").touch()
    params["tasks"] = {
        name: {
            "family": card["family"],
            "source": {"path": "rows.csv", "format": "csv"},
            "columns": COLUMNS[card["family"]],
            "splits": {},
            "cleaning": {},
            "max_length": card["max_length"],
            "gate": {"metric": METRICS[card["family"]], "floor": 0.1},
            "example": {
                "text": "Ada was in Rome",
                **({"text_pair": "so was Bob"} if "text_pair" in card["inputs"] else {}),
            },
        }
        for name, card in CARDS.items()
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def write_verdict(folder: Path, verdict: Outcome) -> None:
    """That of the gate, or another that nothing came to."""
    if verdict == "PROMOTE":
        verdicts.pass_on(folder)
        return
    gate: GateOutcome = "reject"
    judged = {
        name: TaskVerdict(metric="metric", floor=0.1, margin=0.02, gate=gate, why=f"{name} is {gate}")
        for name in CARDS
    }
    Verdict(
        verdict=verdict, model=_model(folder), champion=None, confidence=0.95, tasks=judged, dropped={}
    ).write(folder / VERDICT)


def _model(folder: Path) -> ModelId:
    weights = folder / "models/multitask/model.safetensors"
    return ModelId(sha256=sha256(weights) if weights.is_file() else "m" * 64)


def write_model(target: Path, seed: int = 0, cards: dict[str, Any] = CARDS) -> None:
    """A one-layer random BERT with a head for each of these, and a tokenizer that spells words out."""
    import torch
    from transformers import BertConfig

    from components.model.multitask import MultiTaskConfig, MultiTaskModel

    letters = list(string.ascii_lowercase + string.digits)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in letters), *string.punctuation]
    encoder = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    torch.manual_seed(seed)
    model = MultiTaskModel(MultiTaskConfig(encoder=encoder.to_dict(), tasks=cards))
    for head in model.heads.values():  # confident, so that every label occurs
        if hasattr(head, "output"):
            torch.nn.init.normal_(head.get_parameter("output.weight"), std=3.0)
    with atomic_folder(target) as folder:
        model.save_pretrained(folder)
        write_tokenizer(folder / "tokenizer.json", words)


def write_tokenizer(path: Path, words: list[str]) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.enable_padding(length=64)  # as in the files of sentence encoders; the service must undo it
    tokenizer.save(str(path))


def build_bento(folder: Path) -> None:
    """A real Bento of the synthetic project, `bento` beside its `project`."""
    from serving.build import build

    build(write_project(folder / "project"), PACKAGING, folder / "bento")
