"""Encoders of every kind that is packed, and one that is not: tiny, their weights random."""

from __future__ import annotations

from typing import Any

from transformers import (
    AlbertConfig,
    BertConfig,
    BigBirdConfig,
    ConvBertConfig,
    DebertaV2Config,
    ElectraConfig,
    FNetConfig,
    LongformerConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
    SqueezeBertConfig,
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
CONVOLUTION: dict[str, Any] = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"],
               "conv_kernel_size": 3, "conv_act": "gelu"}  # fmt: skip
PACKABLE = {
    "bert": BertConfig(**SIZES),
    "roberta": RobertaConfig(**SIZES, pad_token_id=1),  # its positions begin at 2
    "electra": ElectraConfig(**SIZES, embedding_size=16),
    "albert": AlbertConfig(**SIZES, embedding_size=16),  # its layers share their weights
    "modernbert": ModernBertConfig(**SIZES, **MODERN),  # rotary positions, local attention
}
DEBERTA = DebertaV2Config(**SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"])  # padded
PADDABLE = {
    "deberta": DEBERTA,
    "deberta, convolutional": DebertaV2Config(**SIZES, **CONVOLUTION),
    "mpnet": MPNetConfig(**SIZES),
    "longformer": LongformerConfig(**SIZES, attention_window=16),
    "squeezebert": SqueezeBertConfig(**SIZES, embedding_size=32),
    "bigbird, full": BigBirdConfig(**SIZES, attention_type="original_full"),
}
BY_LENGTH = {  # padding changes their states
    "convbert": ConvBertConfig(**SIZES, embedding_size=16),
    "fnet": FNetConfig(**{key: size for key, size in SIZES.items() if key != "num_attention_heads"}),
    "bigbird": BigBirdConfig(**SIZES, block_size=4, num_random_blocks=1),
}
ENCODERS = {**PACKABLE, "deberta": DEBERTA}
