"""Folders of tiny encoder-decoders with random weights: no pretrained ones can be had here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

KINDS = ("t5", "t5_1.1", "mt5", "bart")


def tokenizer_of(kind: str) -> Any:
    """A tiny byte-level BPE that ends a text as the kind does."""
    from tokenizers import decoders, processors

    from tests.families import tiny_tokenizers

    tokenizer = tiny_tokenizers.build("byte_bpe")
    tokenizer.decoder = decoders.ByteLevel()
    specials = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    begin = "<s> " if kind == "bart" else ""
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin}$A </s>", pair=f"{begin}$A </s> $B </s>", special_tokens=specials
    )
    return tokenizer


def build(kind: str, folder: Path) -> Path:
    """Write config.json, model.safetensors and tokenizer.json."""
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        MT5Config,
        MT5ForConditionalGeneration,
        T5Config,
        T5ForConditionalGeneration,
        set_seed,
    )

    tokenizer = tokenizer_of(kind)
    pad, begin, end = (tokenizer.token_to_id(name) for name in ("<pad>", "<s>", "</s>"))
    common: dict[str, Any] = {
        "vocab_size": tokenizer.get_vocab_size(),
        "d_model": 32,
        "pad_token_id": pad,
        "eos_token_id": end,
    }
    set_seed(0)
    if kind == "bart":
        sizes: dict[str, Any] = {
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
        }
        sizes |= {"encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 128}
        whole: Any = BartForConditionalGeneration(
            BartConfig(
                **common, **sizes, bos_token_id=begin, decoder_start_token_id=end, forced_eos_token_id=None
            )
        )
        whole.final_logits_bias.normal_()
    else:
        sizes = {"d_kv": 16, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2}
        first = kind == "t5"
        of_kind: Any = MT5Config if kind == "mt5" else T5Config
        config = of_kind(
            **common,
            **sizes,
            decoder_start_token_id=pad,
            feed_forward_proj="relu" if first else "gated-gelu",
            tie_word_embeddings=first,
        )
        whole = (MT5ForConditionalGeneration if kind == "mt5" else T5ForConditionalGeneration)(config)
    for name, parameter in whole.named_parameters():  # as initialised, it hardly depends on the source
        if parameter.ndim > 1:
            parameter.data.normal_(std=0.7 if "EncDec" in name or "encoder_attn" in name else 0.3)
    whole.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
