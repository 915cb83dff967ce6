"""Texts and their keys, a column at a time: what `Family.text_of` and `text_key` say of one row."""

from __future__ import annotations

from functools import cache

import polars as pl

from components.families.base import Family

CASED = 0x20000  # beyond Unicode's first two planes no character has a case
NOT_A_WORD = r"[^\p{L}\p{N}_]+"  # as Python's \W; polars' own keeps combining marks as well


def whole_texts(family: Family, rows: pl.DataFrame) -> pl.Series:
    """Each row's text, by which duplicates and leaks are found."""
    if not family.text_columns:
        return pl.Series([family.text_of(row) for row in rows.to_dicts()], dtype=pl.String)
    # `Family.text_of` is said again here in columns: a call for every row would take half of the validation.
    parts = [pl.col(name).fill_null("") for name in family.text_columns]
    return rows.select(pl.concat_str(parts, separator="\n")).to_series()


def canonical(text: pl.Expr) -> pl.Expr:
    """The words of a text without case, punctuation and spacing (`text_key` before it is hashed)."""
    special = _special_folds()
    folded = text.str.to_lowercase().str.replace_many(list(special), list(special.values()))
    words = folded.str.replace_all(NOT_A_WORD, " ").str.strip_chars(" ")
    return pl.when(words == "").then(text).otherwise(words)  # a text of symbols only stands for itself


@cache
def _special_folds() -> dict[str, str]:
    """The lower-case characters that case folding changes ("ß" -> "ss"): Unicode's full case folding."""
    characters = map(chr, range(CASED))
    return {c: c.casefold() for c in characters if c.lower() == c != c.casefold()}
