"""The vectors of the rows that a head chooses its answer from, beside the weights that they were made with.

A file says in its metadata which weights and which candidates these are, and what its own vectors are: an
index of others would answer, and wrongly.

Legend: N candidates, D width of a vector.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from components import families
from components.data.contract.cards import HeadCards
from components.errors import UserError
from components.families.base import Row
from components.families.base.capabilities import candidates_of
from components.files import sha256

WEIGHTS = "model.safetensors"
KEY = "onetrunk"  # one entry of metadata: safetensors does not keep the order of several


def file_name(head: str) -> str:
    """The name of a head's index in a model's folder."""
    return f"index.{head}.safetensors"


def candidates(cards: HeadCards) -> dict[str, list[Row]]:
    """Those of every head that chooses among any, by head."""
    found = {head: candidates_of(families.get(card["family"]), card["facts"]) for head, card in cards.items()}
    return {head: rows for head, rows in found.items() if rows}


def write(folder: Path, head: str, rows: Sequence[Row], vectors_ND: np.ndarray) -> None:
    """Write the vectors of a head's candidates beside the weights that they were made with."""
    vectors_ND = np.ascontiguousarray(vectors_ND, dtype=np.float32)
    made = {"model": sha256(folder / WEIGHTS), "candidates": _digest(rows), "vectors": _digest(vectors_ND)}
    metadata = {KEY: json.dumps(made, sort_keys=True)}
    save_file({"vectors": vectors_ND}, folder / file_name(head), metadata)


def read_all(folder: Path, cards: HeadCards) -> dict[str, np.ndarray]:
    """vectors_ND of every head that has an index.

    Raises:
        UserError: an index is missing, truncated, altered, of other weights or of other candidates.
    """
    of_heads = candidates(cards)
    weights = sha256(folder / WEIGHTS) if of_heads else ""
    return {head: _read(folder / file_name(head), weights, rows) for head, rows in of_heads.items()}


def _read(path: Path, weights: str, rows: Sequence[Row]) -> np.ndarray:
    if not path.is_file():
        raise UserError(f"{path}: missing, the model chooses its answers from it; train again")
    try:
        with safe_open(path, framework="numpy") as file:
            made = json.loads(file.metadata()[KEY])
            vectors_ND: np.ndarray = file.get_tensor("vectors")
            model, of, own = made["model"], made["candidates"], made["vectors"]
    except Exception as error:  # safetensors raises its own; what is missing within, others
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"{path}: not a readable index ({reason[0]:.200}); train again") from None
    if _digest(vectors_ND) != own:
        raise UserError(f"{path}: its vectors are not those that were written; the file was altered")
    if model != weights:
        raise UserError(
            f"{path}: made with model {model[:12]}, but {WEIGHTS} beside it is {weights[:12]}; train again"
        )
    if of != _digest(rows) or len(vectors_ND) != len(rows):
        raise UserError(
            f"{path}: {len(vectors_ND)} vectors of other candidates than the model's {len(rows)}; train again"
        )
    return vectors_ND


def _digest(what: np.ndarray | Sequence[Row]) -> str:
    written = what.tobytes() if isinstance(what, np.ndarray) else json.dumps(what, sort_keys=True).encode()
    return hashlib.sha256(written).hexdigest()
