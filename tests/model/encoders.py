"""Encoders of every kind that is packed, and one that is not: tiny, their weights random."""

from __future__ import annotations

from typing import Any

from transformers import (
    AlbertConfig,
    BertConfig,
    DebertaV2Config,
    ElectraConfig,
    ModernBertConfig,
    RobertaConfig,
)

SIZES: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
MODERN: dict[str, Any] = {"local_attention": 16, "pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2,
          "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
PACKABLE = {
    "bert": BertConfig(**SIZES),
    "roberta": RobertaConfig(**SIZES, pad_token_id=1),  # its positions begin at 2
    "electra": ElectraConfig(**SIZES, embedding_size=16),
    "albert": AlbertConfig(**SIZES, embedding_size=16),  # its layers share their weights
    "modernbert": ModernBertConfig(**SIZES, **MODERN),  # rotary positions, local attention
}
DEBERTA = DebertaV2Config(**SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"])  # padded
ENCODERS = {**PACKABLE, "deberta": DEBERTA}
