"""How long a text an encoder can read is told by its tables of positions, whatever the architecture."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    AutoModel,
    BartConfig,
    DebertaV2Config,
    DistilBertConfig,
    FunnelConfig,
    FunnelModel,
    PreTrainedConfig,
    T5Config,
    T5EncoderModel,
)

from components.encoder.pretrained import encoder_of
from components.model.multitask import MultiTaskModel
from components.model.weights import positions, verify
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


def test_t5_saved_without_its_decoder_is_read_and_tried_out(tmp_path: Path, tiny_encoder: Path) -> None:
    config = T5Config(vocab_size=103, d_model=32, d_ff=48, num_layers=1, num_heads=4)
    T5EncoderModel(config).save_pretrained(tmp_path)
    shutil.copy(tiny_encoder / "tokenizer.json", tmp_path)
    assert verify(tmp_path, Path("t5")) is None
    assert MultiTaskModel.from_encoder(tmp_path, {}, 0.0, 1).encoder.config.model_type == "t5"


def test_a_decoder_that_is_part_of_an_encoder_stays() -> None:
    model = FunnelModel(
        FunnelConfig(vocab_size=99, d_model=32, n_head=2, d_head=16, d_inner=48, block_sizes=[1, 1])
    )
    assert encoder_of(model) is model
