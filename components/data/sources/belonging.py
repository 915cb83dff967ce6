"""Does a tokenizer belong to the weights? What these have learnt tells two of as many tokens apart.

The embeddings of a word in two spellings ("the" and " the", "the" and "The") are alike in every encoder that
has been trained. Where those at a tokenizer's numbers are no more alike than neighbours in its vocabulary,
which are about as frequent, the numbers are another tokenizer's
(docs/decisions/0064-words-in-two-spellings.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.encoder import headers
from components.encoder.place import CONFIG, weights
from components.files import read_json

if TYPE_CHECKING:
    from torch import Tensor

MARKS = (
    "##",
    "\u0120",
    "\u2581",
)  # of a token within a word, or at its beginning: WordPiece, byte level, Unigram
TABLES = ("emb", "wte", "shared")  # in the name of the table of tokens
LETTERS = 3  # of a word, at least: shorter ones are parts of many
FEWEST, MOST = 200, 2000  # pairs of spellings
NEAR = 20  # numbers in the vocabulary that count as neighbours
SAMPLE, OTHERS = 200, 4000  # rows of the table that are held against others
TRAINED = 1.5  # times as alike as the nearest of random vectors: there are words with a meaning of their own
SURE = 5.0  # standard errors; where tokenizer and weights belong together it is tens


def are_strangers(folder: Path, numbers: Mapping[str, int]) -> bool:
    """Whether the encoder in the folder has surely been trained with other numbers of tokens; False where it
    has not been trained, or the tokenizer has too few words in two spellings to tell."""
    pairs_N2 = np.array(sorted(_spellings(numbers)), dtype=np.int64).reshape(-1, 2)
    table_VD = _embeddings(folder)
    if table_VD is None or len(pairs_N2) < FEWEST:
        return False
    chance = np.random.default_rng(0)
    pairs_N2 = chance.permutation(pairs_N2)[:MOST]
    return _is_trained(table_VD, chance) and _alike(table_VD, pairs_N2, chance) < SURE


def _spellings(numbers: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Numbers of two tokens that are one word, with a mark and without, or in two cases."""
    for token, number in numbers.items():
        bare = next((token.removeprefix(mark) for mark in MARKS if token.startswith(mark)), token)
        if len(bare) < LETTERS or not bare.isalpha() or bare.lower() == bare.upper():
            continue
        for other in {bare, token.lower()} - {token}:
            if other in numbers:
                yield number, numbers[other]


def _embeddings(folder: Path) -> Tensor | None:
    """The table of tokens, mapped from its file; None where none has as many rows as config.json says."""
    from safetensors import safe_open

    size = read_json(folder / CONFIG).get("vocab_size")
    for file in weights(folder):
        for name, said in headers.header(file).items():
            if said["shape"][:-1] == [size] and any(part in name for part in TABLES):
                with safe_open(str(file), "pt") as opened:
                    table: Tensor = opened.get_tensor(name)
                return table
    return None


def _rows(table_VD: Tensor, places_N: np.ndarray) -> np.ndarray:
    """Rows of the table, of length 1."""
    import torch

    rows_ND = table_VD[torch.from_numpy(places_N)].float().numpy()
    return np.asarray(rows_ND / np.maximum(np.linalg.norm(rows_ND, axis=1, keepdims=True), 1e-12))


def _is_trained(table_VD: Tensor, chance: np.random.Generator) -> bool:
    """Are tokens nearer to their nearest than random vectors of this width, sqrt(2 ln n / D) alike, are?"""
    places_N = chance.permutation(len(table_VD))[: SAMPLE + OTHERS]
    rows_ND = _rows(table_VD, places_N)
    nearest = (rows_ND[:SAMPLE] @ rows_ND[SAMPLE:].T).max(1).mean()
    by_chance = math.sqrt(2 * math.log(len(places_N)) / table_VD.shape[1])
    return bool(nearest > min(TRAINED * by_chance, (1 + by_chance) / 2))


def _alike(table_VD: Tensor, pairs_N2: np.ndarray, chance: np.random.Generator) -> float:
    """How much more alike two spellings are than neighbours of the second, in standard errors."""
    one_N, other_N = pairs_N2.T
    shift_N = chance.integers(1, NEAR + 1, len(one_N)) * chance.choice([-1, 1], len(one_N))
    beside_N = (other_N + shift_N) % len(table_VD)
    rows_ND = _rows(table_VD, one_N)
    gain_N = (rows_ND * (_rows(table_VD, other_N) - _rows(table_VD, beside_N))).sum(1)
    return float(gain_N.mean() / max(gain_N.std() / math.sqrt(len(gain_N)), 1e-12))
