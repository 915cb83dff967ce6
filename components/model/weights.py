"""An encoder's folder is read once before anything depends on it: all of its weights must be there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging as transformers_logging

from components.encoder import headers
from components.encoder.place import TOKENIZER
from components.encoder.pretrained import MissingWeightsError, encoder_of, read_pretrained
from components.errors import UserError
from components.model.packing import complaint

UNUSED = "\U00013080"  # a hieroglyph
POSITIONS = ("position_embeddings", "position_embedding", "embed_positions", "wpe")  # what tables are called

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


def verify(folder: Path, where: Path) -> int | None:
    """How many tokens the folder's encoder can read of a text; None where no table of positions bounds it.

    Where the names in the file begin with a wrapper's (`module.`, `bert.`, ...), and are the encoder's
    behind it, they are written anew without it. `where` is what a sentence calls the folder.

    Raises:
        UserError: the folder holds no encoder that transformers can read, or lacks weights of it.
    """
    try:
        encoder = _read(folder, where)
    except MissingWeightsError as error:
        prefix = _wrapper(folder, error.missing)
        if prefix is None:
            raise
        headers.without(folder, prefix)
        encoder = _read(folder, where)
    _try_out(encoder.float(), folder, where)
    return positions(encoder)


def _try_out(encoder: Any, folder: Path, where: Path) -> None:
    """Have the encoder read what its tokenizer writes of a pair: a letter, and a sign that nobody uses."""
    tokens = getattr(encoder.get_input_embeddings(), "num_embeddings", None)
    if not hasattr(encoder.config, "hidden_size") or tokens is None:
        raise UserError(f"{where}: {encoder.config.model_type} reads no texts; expected an encoder that does")
    try:
        written = Tokenizer.from_file(str(folder / TOKENIZER)).encode("a", UNUSED)
    except Exception as error:  # tokenizers raises a bare Exception
        raise UserError(
            f"{where / TOKENIZER}: cannot write every text as tokens ({error!s:.200}); expected a tokenizer "
            f"with a token for what is unknown"
        ) from None
    segments = getattr(encoder.config, "type_vocab_size", 0)
    for what, numbers, known in (
        ("token", written.ids, tokens),
        ("segment", written.type_ids if segments > 1 else [], segments),  # with fewer it is told none
    ):
        if numbers and (largest := max(numbers)) >= known:
            raise UserError(
                f"{where / TOKENIZER}: writes the {what} {largest}, but the encoder knows {known} {what}s; "
                f"expected its own tokenizer"
            )
    broken = [name for name, one in encoder.named_parameters() if not one.isfinite().all()]
    if broken:
        raise UserError(
            f"{where}: {len(broken)} weights hold numbers that are not finite, the first is {broken[0]}; "
            f"expected an encoder whose training went well"
        )
    if (reason := complaint(encoder)) is not None:
        raise UserError(
            f"{where}: cannot read texts of any length ({reason:.200}); expected an encoder that can"
        )


def _read(folder: Path, where: Path) -> nn.Module:
    encoder: nn.Module = encoder_of(read_pretrained(AutoModel, folder, encoder_of, where, dtype="auto"))
    return encoder


def _wrapper(folder: Path, missing: list[str]) -> str | None:
    """The one part before the encoder's own names, or before those of a model around it as transformers calls
    it (`bert.`); None where these are not behind it."""
    names, config = headers.names(folder), AutoConfig.from_pretrained(folder)
    inner = getattr(AutoModel._model_mapping[type(config)], "base_model_prefix", "")
    most = Counter(name.partition(".")[0] for name in names).most_common(1)
    prefix = f"{most[0][0]}." if most else ""
    behind = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    behind |= {name.removeprefix(f"{inner}.") for name in behind}
    return prefix if prefix and set(missing) <= behind else None


def positions(encoder: nn.Module) -> int | None:
    """The rows of the smallest table of absolute positions, without those that no text has; where positions
    rotate, as many as the encoder has learnt. Relative ones have no end."""
    found = [
        module.num_embeddings - _first(module)
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Embedding) and name.rpartition(".")[2] in POSITIONS
    ]
    told = encoder.config.to_dict() if isinstance(encoder, PreTrainedModel) else {}
    if any("rope" in key and value for key, value in told.items()):
        found += [told["max_position_embeddings"]] if told.get("max_position_embeddings") else []
    return min(found, default=None)


def _first(table: Any) -> int:
    """The number of a text's first position: BART's has an offset, RoBERTa's begin after that of padding."""
    if hasattr(table, "offset"):
        return int(table.offset)
    return 0 if table.padding_idx is None else int(table.padding_idx) + 1
