"""How long a text an encoder can read is told by its tables of positions, whatever the architecture."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoModel, BartConfig, DebertaV2Config, DistilBertConfig, PreTrainedConfig, T5Config

from components.encoder.pretrained import encoder_of
from components.model.weights import positions
from tests.model.encoders import DEBERTA, PACKABLE, SIZES

SMALL: dict[str, Any] = {"vocab_size": 99, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
          "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
          "decoder_ffn_dim": 48}  # fmt: skip
KNOWN: dict[str, tuple[PreTrainedConfig, int | None]] = {
    "bert": (PACKABLE["bert"], 512),
    "roberta: two are for padding": (PACKABLE["roberta"], 510),
    "albert": (PACKABLE["albert"], 512),
    "distilbert": (DistilBertConfig(vocab_size=99, dim=32, n_heads=4, n_layers=1, hidden_dim=48), 512),
    "bart: two are an offset": (BartConfig(**SMALL, max_position_embeddings=128), 128),
    "modernbert: they rotate": (PACKABLE["modernbert"], 8192),
    "deberta with a table besides": (DEBERTA, 512),
    "deberta: they are relative": (
        DebertaV2Config(**SIZES, relative_attention=True, position_biased_input=False),
        None,
    ),
    "t5: they are relative": (T5Config(vocab_size=99, d_model=32, d_ff=48, num_layers=1, num_heads=4), None),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_the_longest_text(kind: str) -> None:
    config, longest = KNOWN[kind]
    assert positions(encoder_of(AutoModel.from_config(config))) == longest
