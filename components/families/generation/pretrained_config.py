"""What a family must know of an encoder-decoder's folder to write and read its decoder's tokens."""

from __future__ import annotations

import json
from pathlib import Path

from components.errors import UserError
from components.families.base import Facts


def describe(folder: Path) -> Facts:
    """Its configuration (`pretrained`), its tokenizer (`vocabulary`, JSON), and what ends a text (`end`).

    Raises:
        UserError: it holds no encoder-decoder that transformers knows.
    """
    from transformers import AutoConfig

    try:
        raw = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = AutoConfig.for_model(**raw)  # a saved configuration leaves out what is its class's default
    except (OSError, ValueError, TypeError):
        raise UserError(f"{folder / 'config.json'}: missing, or no model's configuration") from None
    missing = [
        key for key in ("decoder_start_token_id", "eos_token_id") if getattr(config, key, None) is None
    ]
    if not config.is_encoder_decoder or missing:
        lacks = " and ".join(missing) if config.is_encoder_decoder else "a decoder"
        found = f"{config.model_type} without {lacks}"
        raise UserError(
            f"{folder}: found {found}; `decoder: pretrained` expects an encoder-decoder such as T5 or BART"
        )
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
    return {"pretrained": raw, "vocabulary": tokenizer, "end": int(ends[0])}
