"""Tag schemes: BIO, IOB1, IOBES, BILOU, BMES, BMEWO and IO spell spans of words; inside, there is only BIO.

Legend: W words, C tags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from components.errors import BadRowError

PREFIXES = {"bio": "BI", "iob1": "BI", "iobes": "BIES", "bilou": "BILU", "bmes": "BMES", "bmewo": "BMEW"}
NONE, OTHER = ("O", "o", "0", "_", "-"), ("other", "none", "outside")  # how people spell O; in IO alone
UNPREFIXED = "io"  # the scheme whose tags are O and types alone: neighbours of a type are one entity
TELLING = {"L": "bilou", "U": "bilou", "E": "iobes", "S": "iobes", "M": "bmes", "W": "bmewo"}
SAME = {"bilou": {"L": "E", "U": "S"}, "bmewo": {"W": "S"}}  # other letters for the end and the only word


def respelt(tag: str, scheme: str) -> str:
    """The tag as `to_bio` expects it: "b-per", "B_PER" and "PER-B" are "B-per" and "B-PER"; a tag of another
    form stays what it is."""
    if tag in NONE:
        return "O"
    if scheme == UNPREFIXED:
        return "O" if tag.lower() in OTHER else tag
    letters = PREFIXES[scheme] + PREFIXES[scheme].lower()
    if found := re.fullmatch(f"([{letters}])[-_:./](.+)", tag):
        return f"{found[1].upper()}-{found[2]}"
    if found := re.fullmatch(f"(.+)[-_:./]([{letters}])", tag):
        return f"{found[2].upper()}-{found[1]}"
    return tag


def to_bio(tags: Sequence[str], scheme: str = "bio", repair: bool = True) -> list[str]:
    """Read a sequence of a scheme as BIO, which differs from it only in how an entity begins.

    `repair` takes an ill-formed sequence as seqeval does: what continues nothing of its type begins an
    entity, and an entity that is not ended ends where the next tag cannot continue it.

    Raises:
        BadRowError: a tag that is not of the scheme, or without `repair` one that cannot stand there.
    """
    if scheme == UNPREFIXED:
        tags = [_inside(tag, number) for number, tag in enumerate(tags, 1)]
        return [tag if tag == "O" else _as_bio(previous, tag) for previous, tag in pairwise(["O", *tags])]
    for number, tag in enumerate(tags, 1):
        if tag != "O" and (tag[:1] not in PREFIXES[scheme] or tag[1:2] != "-" or len(tag) < 3):
            *others, last = (f"{prefix}-TYPE" for prefix in PREFIXES[scheme])
            hint = _hint(tag, scheme)
            raise BadRowError(
                f"tag {number} is '{tag}', expected {', '.join(['O', *others])} or {last}{hint}"
            )
    letters = SAME.get(scheme, {})
    tags = [letters.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    for number, (previous, tag) in enumerate(pairwise(["O", *tags, "O"]), 1):
        if not repair and not _may_follow(previous, tag, scheme):
            found = f"'{tag}'" if number <= len(tags) else "the end"
            before = f"'{previous}'" if number > 1 else "the start"
            raise BadRowError(
                f"token {min(number, len(tags))}: {found} after {before} is ill-formed {scheme.upper()}; "
                f"expected an entity that is begun and ended, or `repair: true`"
            )
    return [tag if tag == "O" else _as_bio(previous, tag) for previous, tag in pairwise(["O", *tags])]


def _inside(tag: str, number: int) -> str:
    """A tag of IO with the prefix that it has in IOB1."""
    if re.match("[BI]-.", tag):
        raise BadRowError(
            f"tag {number} is '{tag}', expected O or a type without a prefix; is the scheme bio?"
        )
    return tag if tag == "O" else f"I-{tag}"


def _hint(tag: str, scheme: str) -> str:
    """The option that would read the tag, if there is one."""
    if respelt(tag, scheme) != tag:
        return "; `spelling: any` below options reads other spellings"
    other = TELLING.get(tag[:1]) if tag[1:2] == "-" else None
    if other:
        return f"; is the scheme {other}?"
    alone = "; types without a prefix are the scheme io, tags that spell no entities are plain"
    return "" if tag[1:2] == "-" else alone


def _as_bio(previous: str, tag: str) -> str:
    """B- where the tag begins an entity, I- where it continues that of the tag before."""
    continues = tag[0] not in "BS" and previous[0] not in "OES" and previous[2:] == tag[2:]
    return f"{'I' if continues else 'B'}-{tag[2:]}"


def _may_follow(previous: str, tag: str, scheme: str) -> bool:
    continues = previous[0] not in "OES" and previous[2:] == tag[2:]
    if scheme == "bio":
        return tag[0] != "I" or continues
    if scheme == "iob1":  # B- only where an entity follows another of its type
        return tag[0] != "B" or continues
    unfinished = previous[0] not in "OES"
    return continues and tag[0] in "IME" if unfinished else tag[0] in "OBS"


def best_path(logits: np.ndarray, tags: Sequence[str]) -> list[str]:
    """The likeliest well-formed BIO sequence: logits_WC of W words -> W tags (Viterbi 1967).

    The only constraint is that I-X continues B-X or I-X. A greedy choice would break entities apart; where it
    does not, which is mostly so, there is nothing likelier.
    """
    start_C, penalty_CC = _penalties(tuple(tags))
    greedy_W = logits.argmax(-1)
    if not (start_C[greedy_W[:1]].any() or penalty_CC[greedy_W[:-1], greedy_W[1:]].any()):
        return [tags[index] for index in greedy_W]
    score_C, back = start_C, []
    for word, logits_C in enumerate(logits):
        if word:
            total_CC = score_C[:, None] + penalty_CC
            back.append(total_CC.argmax(0))
            score_C = total_CC.max(0)
        score_C = score_C + logits_C
    path = [int(score_C.argmax())] if len(logits) else []
    for choices in reversed(back):
        path.append(int(choices[path[-1]]))
    return [tags[index] for index in reversed(path)]


@lru_cache(maxsize=64)
def _penalties(tags: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """0 where a tag may begin a sentence, or follow another, and -inf where it may not."""
    legal_CC = [[_may_follow(before, tag, "bio") for tag in tags] for before in tags]
    legal_C = [_may_follow("O", tag, "bio") for tag in tags]
    return np.where(legal_C, 0.0, -np.inf), np.where(legal_CC, 0.0, -np.inf)


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(type, first word, last word) of every entity, as seqeval reads BIO (the CoNLL way): what continues
    nothing of its type begins an entity. seqeval itself would bring scikit-learn into the service."""
    found: list[tuple[str, int, int]] = []
    before = "O"
    for word, tag in enumerate(tags):
        if tag != "O":
            if tag.startswith("I-") and before[2:] == tag[2:]:
                kind, first, _ = found.pop()
                found.append((kind, first, word))
            else:
                found.append((tag[2:], word, word))
        before = tag
    return found


def each_word(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Plain tags as if each word were an entity."""
    return [(tag, number, number) for number, tag in enumerate(tags)]
