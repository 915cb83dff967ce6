"""A pretrained model from its folder, or one sentence: transformers makes up, without a word that anybody
sees, each weight that the files do not hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from components.encoder import headers
from components.errors import UserError, first_line

SHOWN = 3  # names of missing weights


class MissingWeightsError(UserError):
    """The files lack weights of the model; `missing` are their names."""

    missing: list[str]


def read_pretrained(
    kind: Any,
    folder: Path,
    part: Callable[[Any], nn.Module],
    where: Path | None = None,
    **settings: Any,
) -> Any:
    """The model of a kind (`AutoModel`, ...) in the folder, all of whose weights are there that `part` of it
    needs; a pooler, which nothing here reads, may be missing. `where` is what a sentence calls the folder.

    Raises:
        UserError: the folder holds no such model, or lacks weights of it (MissingWeightsError).
    """
    try:
        model, found = kind.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True, **settings
        )
    except Exception as error:  # transformers and safetensors raise many kinds here
        raise UserError(f"{where or folder}: no readable encoder ({_reason(error, folder)})") from error
    if other := sorted(found["mismatched_keys"]):
        name, has, expected = other[0]
        raise UserError(
            f"{where or folder}: {len(other)} weights have other sizes than config.json says, the first is "
            f"{name}: found {tuple(has)}, expected {tuple(expected)}; expected both of one model"
        )
    own = {id(parameter) for parameter in part(model).parameters()}
    needed = [n for n, one in model.named_parameters(remove_duplicate=False) if id(one) in own]
    missing = [n for n in needed if n in found["missing_keys"] and "pooler" not in n.split(".")]
    if missing:
        raise _lacking(where or folder, missing, len(needed), headers.names(folder))
    return model


def _reason(error: Exception, folder: Path) -> str:
    """What transformers says, in one line."""
    said = first_line(error)
    if "custom code" in said:
        return "it needs code of its own, which is never run; expected a kind of model that transformers has"
    return f"{said:.200}"


def _lacking(where: Path, missing: list[str], weights: int, names: list[str]) -> MissingWeightsError:
    shown = ", ".join(missing[:SHOWN]) + (", ..." if len(missing) > SHOWN else "")
    error = MissingWeightsError(
        f"{where}: {len(missing)} of {weights} weights are not in model.safetensors (its names begin with "
        f"{headers.beginnings(names)}): {shown}; expected all of them, by the names that transformers has"
    )
    error.missing = missing
    return error


def encoder_of(model: Any) -> Any:
    """The model itself, or the encoder of an encoder-decoder, be it saved with its decoder or without."""
    alone = (
        hasattr(model, "decoder") and not model.config.is_encoder_decoder
    )  # Funnel's decoder belongs to it
    has_both = type(model.config)().is_encoder_decoder if alone else model.config.is_encoder_decoder
    return model.get_encoder() if has_both else model
