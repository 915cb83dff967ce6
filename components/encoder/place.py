"""Where every stage finds the encoder, and what stands there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import ClassVar

from components.errors import UserError
from components.files import MANIFEST, read_json
from components.records import Record

ENCODER = Path("models/encoder")  # of a project: what the stage `encoder` brings
RECORD = Path("models/encoder.json")  # where that is from
CONFIG, TOKENIZER = "config.json", "tokenizer.json"
USEFUL = ("tokenizer_config.json", "special_tokens_map.json")
WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class EncoderRecord(Record):
    """models/encoder.json: where the encoder is from, and what it can read."""

    remedy: ClassVar[str] = "run `onetrunk run` to make it anew"
    source: str  # the folder, or the name on the hub
    revision: str | None  # of the hub: as params.yaml has it
    commit: str | None  # of the hub: what that was when it was fetched
    parameters: int  # numbers in the files of weights
    tokens: int  # of the tokenizer: the highest number and one
    positions: int | None  # tokens of the longest text that it can read; null where nothing bounds it


def digest(folder: Path) -> str:
    """SHA-256 over an encoder's configuration, tokenizer and weights: who has the same, has the same encoder.

    Raises:
        UserError: no encoder has been brought, or its manifest is torn.
    """
    sums = read_json(folder / MANIFEST)["files"]
    counted = {
        name: one["sha256"]
        for name, one in sums.items()
        if name in (CONFIG, TOKENIZER) or _holds_weights(name)
    }
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def _holds_weights(name: str) -> bool:
    return name == INDEX or name.endswith(".safetensors")


def weights(folder: Path) -> list[Path]:
    """The files of an encoder's weights; a single one comes before one in parts, as with transformers.

    Raises:
        UserError: the index names no file, or one that is not there.
    """
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if not (folder / INDEX).is_file():
        return []
    index = read_json(folder / INDEX)
    named = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(named, dict) or not named:
        raise UserError(f"{folder / INDEX}: no weight_map, which names the parts of the weights")
    parts = [folder / name for name in sorted(set(named.values()))]
    for part in parts:
        if not part.is_file():
            raise UserError(f"{folder}: {INDEX} names {part.name}, which is not there")
    return parts
