"""The vectors of the rows that a head chooses its answer from, beside the weights that they were made with.

A file says in its metadata which weights these are, and what its own bytes are: an index of other weights
would answer, and wrongly.

Legend: N candidates, D width of a vector.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256 as digest
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from components import tasks
from components.errors import UserError
from components.files import sha256

WEIGHTS = "model.safetensors"
KEY = "onetrunk"  # one entry of metadata: safetensors does not keep the order of several
Cards = Mapping[str, Mapping[str, Any]]  # head -> its card, as in the model's configuration


def file_name(head: str) -> str:
    """The name of a head's index in a model's folder."""
    return f"index.{head}.safetensors"


def sizes(cards: Cards) -> dict[str, int]:
    """N by head, of the heads that choose among candidates."""
    found = {head: len(tasks.get(card["family"]).candidates(card["facts"])) for head, card in cards.items()}
    return {head: size for head, size in found.items() if size}


def write(folder: Path, head: str, vectors_ND: np.ndarray) -> None:
    """Write a head's index beside the weights that it was made with."""
    vectors_ND = np.ascontiguousarray(vectors_ND, dtype=np.float32)
    made = {"model": sha256(folder / WEIGHTS), "vectors": digest(vectors_ND.tobytes()).hexdigest()}
    metadata = {KEY: json.dumps(made, sort_keys=True)}
    save_file({"vectors": vectors_ND}, folder / file_name(head), metadata)


def read_all(folder: Path, cards: Cards) -> dict[str, np.ndarray]:
    """vectors_ND of every head that has an index.

    Raises:
        UserError: an index is missing, truncated, altered, of other weights or of other candidates.
    """
    of_heads = sizes(cards)
    weights = sha256(folder / WEIGHTS) if of_heads else ""
    return {head: _read(folder / file_name(head), weights, size) for head, size in of_heads.items()}


def _read(path: Path, weights: str, size: int) -> np.ndarray:
    if not path.is_file():
        raise UserError(f"{path}: missing, the model chooses its answers from it; train again")
    try:
        with safe_open(path, framework="numpy") as file:
            made = json.loads(file.metadata()[KEY])
            vectors_ND: np.ndarray = file.get_tensor("vectors")
            model, own = made["model"], made["vectors"]
    except Exception as error:  # safetensors raises its own; what is missing within, others
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"{path}: not a readable index ({reason[0]:.200}); train again") from None
    if digest(vectors_ND.tobytes()).hexdigest() != own:
        raise UserError(f"{path}: its vectors are not those that were written; the file was altered")
    if model != weights:
        raise UserError(
            f"{path}: made with model {model[:12]}, but {WEIGHTS} beside it is {weights[:12]}; train again"
        )
    if len(vectors_ND) != size:
        raise UserError(f"{path}: {len(vectors_ND)} vectors, expected one for each of {size} candidates")
    return vectors_ND
