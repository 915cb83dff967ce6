"""What linear baselines read of texts: n-grams of words or of characters, and of a pair what both share.

Which of the two is better differs by language and by task: words where much is written and well spelt,
characters in languages of many endings, for short and misspelt texts, and in scripts without blanks. So a
family offers both, at several strengths, and the validation rows decide (`TunedBaseline`).

Legend: N rows, F features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from components.families.base.records import Row
from components.families.shared.words import MARKS, UNSPACED

Unit = Literal["words", "characters"]
Roles = tuple[str, str]  # columns of a text and of what it may be paired with
ROLES: Roles = ("text", "text_pair")
STRENGTHS = (1.0, 0.2, 5.0)  # C of the linear models, the inverse of how strongly they are regularised
MOST_CHARACTERS = 8_000_000  # of the training texts: of more, n-grams of characters take gigabytes
TERM = rf"[{UNSPACED}]|(?![{UNSPACED}])\w(?:(?![{UNSPACED}])[\w{MARKS}])+"
"""A word of two letters or more; a character of a script that sets no blanks between words, such as Chinese,
Japanese, Thai, Lao, Burmese or Khmer: pairs of neighbours are n-grams of these."""


class Features:
    """The TF-IDF of the n-grams of one text, or of two with what they share: each one's features, their
    products, and their cosine, since a linear model over both apart cannot compare them."""

    def __init__(
        self, unit: Unit, train: Sequence[Row], roles: tuple[str, str] = ("text", "text_pair")
    ) -> None:
        self.roles = roles
        self.pairs = any(row.get(roles[1]) for row in train)
        first, second = self._texts(train)
        self.vectorizer, first_NF = _fitted(unit, [*first, *second], self.pairs)
        self.learnt_NF = self._compared(first_NF[: len(first)], first_NF[len(first) :])

    def of(self, rows: Sequence[Row]) -> Any:
        """features_NF, sparse."""
        first, second = self._texts(rows)
        found = self.vectorizer.transform([*first, *second])
        return self._compared(found[: len(first)], found[len(first) :])

    def _texts(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        """The first text of every row, and the second of pairs."""
        first, second = self.roles
        return [row[first] for row in rows], [row[second] or "" for row in rows] if self.pairs else []

    def _compared(self, first_NF: Any, second_NF: Any) -> Any:
        from scipy.sparse import hstack

        if not self.pairs:
            return first_NF
        shared_NF = first_NF.multiply(second_NF)
        return hstack([first_NF, second_NF, shared_NF, shared_NF.sum(axis=1)]).tocsr()


def both(train: Sequence[Row], roles: Roles = ROLES) -> Iterator[Features]:
    """Features of words; then of characters, where the training rows are not too many for them."""
    yield Features("words", train, roles)
    if sum(len(row[role] or "") for row in train for role in roles if role in row) <= MOST_CHARACTERS:
        yield Features("characters", train, roles)


def _fitted(unit: Unit, texts: Sequence[str], pairs: bool) -> tuple[Any, Any]:
    """A vectorizer, and what it makes of these texts. Of pairs it keeps what is in one text alone: what two
    share is rare."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    settings: Mapping[str, Any] = {"token_pattern": TERM, "ngram_range": (1, 1 if pairs else 2)}
    if unit == "characters":
        settings = {"analyzer": "char_wb", "ngram_range": (2, 4 if pairs else 5)}
    least = [1] if pairs else [2, 1]
    vectorizers = [TfidfVectorizer(**settings, min_df=count, sublinear_tf=True) for count in least]
    for vectorizer in vectorizers:
        try:
            return vectorizer, vectorizer.fit_transform(texts)
        except ValueError:  # no term stands in so many texts; in none, where they are symbols
            continue
    whole = TfidfVectorizer(analyzer=_whole)
    return whole, whole.fit_transform(texts)


def _whole(text: str) -> list[str]:
    return [text]
