"""Where a context's tokens are in the windows that it is read in, and where an answer is among them.

Legend: T context tokens of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Encoding

Window = tuple[int, list[list[int]]]  # position of its first context token, and the offsets of them all
NULL = 0  # the position that stands for "no answer here": the sequence's first token


def begins(encoding: Encoding, sequence: int) -> int:
    """The offset of the first token of the question (0) or the context (1)."""
    pairs = zip(encoding.offsets, encoding.sequence_ids, strict=True)
    return next((start for (start, _), number in pairs if number == sequence), 0)


def context_tokens(encoding: Encoding, context: str) -> Window:
    """The position of a window's first context token, and the offsets of them all, without the spaces that
    some tokenizers count to the word behind them."""
    positions = [place for place, number in enumerate(encoding.sequence_ids) if number == 1]
    offsets = []
    for position in positions:
        start, end = encoding.offsets[position]
        start = end - len(context[start:end].lstrip())
        offsets.append([start, start + len(context[start:end].rstrip())])
    return (positions[0] if positions else 0), offsets


def answer_tokens(window: Window, start: int, end: int, edges: tuple[bool, bool]) -> list[int]:
    """Where context[start:end] starts and ends in a window that holds it whole, or at NULL. At the `edges`
    of the context, characters for which the tokenizer has no token are not missed."""
    first, offsets = window
    inside = [place for place, (low, high) in enumerate(offsets) if low < high and low < end and high > start]
    if not inside:
        return [NULL, NULL]
    whole = (edges[0] or offsets[0][0] <= start) and (edges[1] or offsets[-1][1] >= end)
    return [first + inside[0], first + inside[-1]] if whole else [NULL, NULL]


def best_span(
    logits: np.ndarray, offsets: Sequence[Sequence[int]], longest: int
) -> tuple[float, int, int] | None:
    """logits_T2 of context tokens (and padding behind them) -> the score and the offsets of the best span
    of at most `longest` tokens; None where no token stands for a character."""
    tokens = len(offsets)
    real_T = np.array([low < high for low, high in offsets], dtype=bool)
    if not real_T.any():
        return None
    start_T, end_T = np.where(real_T[:, None], logits[:tokens].astype(np.float64), -np.inf).T
    score_TT = start_T[:, None] + end_T[None, :]
    width_TT = np.arange(tokens)[None, :] - np.arange(tokens)[:, None]
    score_TT = np.where((width_TT >= 0) & (width_TT < longest), score_TT, -np.inf)
    start, end = divmod(int(score_TT.argmax()), tokens)
    return float(score_TT[start, end]), offsets[start][0], offsets[end][1]
