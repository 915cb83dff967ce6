"""What the tests of the self-supervised families share: a tiny encoder whose tokenizer has a mask token, and a
project with an unlabelled auxiliary task. All synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml


def mask_token(encoder: Path) -> Any:
    """Give the tiny encoder's tokenizer a mask token; the encoder gets a row of embeddings for it."""
    import torch
    from transformers import BertModel

    file = encoder / "tokenizer.json"
    raw = json.loads(file.read_text())
    vocabulary = raw["model"]["vocab"]
    vocabulary["[MASK]"] = len(vocabulary)
    file.write_text(json.dumps(raw))
    torch.manual_seed(0)
    model = BertModel.from_pretrained(encoder)
    model.resize_token_embeddings(len(vocabulary), mean_resizing=False)
    model.save_pretrained(encoder)


def add_task(project: Path, family: str, rows: list[dict[str, Any]], **changes: Any) -> None:
    """Add the auxiliary task `aside` of these rows to a tiny project, beside mood alone."""
    (project / "sources/aside.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    params = yaml.safe_load((project / "params.yaml").read_text())
    aside = {
        "family": family,
        "source": {"path": "sources/aside.jsonl", "format": "jsonl"},
        "columns": {"text": "text"},
        "splits": {"validation": 0.2, "test": 0.2},
        "cleaning": {},
        "max_length": 24,
    }
    params["tasks"] = {"mood": params["tasks"]["mood"], "aside": {**aside, **changes}}
    params["mixture"] = {"method": "uniform", "auxiliary": {"aside": {"start": 0.5, "until": 0.6}}}
    params["training"] |= {"tokens": 3000, "patience": 99, "evaluate_every": 5}
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
