"""Labels that the model gives, scripts and languages that texts are in: how often each is.

Of labels this is black box shift detection (Lipton et al. 2018, section 4): under label shift, what the model
says shifts if and only if the labels do, where its confusion matrix is invertible.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from components.monitoring.detectors.base import Comparison, Seen, chi_square

NAMED = 3  # labels, those that have moved most


def _tests(seen: Seen) -> Iterator[Comparison]:
    now_N = seen.later_N
    for name, words_N in seen.texts.words.items():
        shares = {
            word: (_share(words_N[~now_N], word), _share(words_N[now_N], word)) for word in _known(words_N)
        }
        moved = sorted(shares, key=lambda word: -abs(shares[word][1] - shares[word][0]))[:NAMED]
        said = ", ".join(f"{word} {shares[word][0]:.0%} → {shares[word][1]:.0%}" for word in moved)
        more = [word for word in moved if shares[word][1] > shares[word][0]]
        scores_N = np.isin(words_N, more[:1]).astype(float)
        yield Comparison(
            subject=name, words=f"{name}: {said}", statistic=partial(chi_square, words_N), scores_N=scores_N
        )


def _known(words_N: np.ndarray) -> list[str]:
    return sorted(set(words_N.tolist()) - {""})


def _share(words: np.ndarray, word: str) -> float:
    return float(np.mean(words[words != ""] == word)) if (words != "").any() else 0.0


DETECTOR = _tests
