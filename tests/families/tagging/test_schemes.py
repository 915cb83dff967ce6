"""Tag schemes, against seqeval's reading of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.tagging.schemes import PREFIXES, entities, respelt, to_bio

SCHEMES = sorted(PREFIXES)


@st.composite
def tagged(draw: st.DrawFn) -> tuple[str, list[str]]:
    scheme = draw(st.sampled_from(SCHEMES))
    tags = ["O", *(f"{prefix}-{kind}" for prefix in PREFIXES[scheme] for kind in ("PER", "LOC"))]
    return scheme, draw(st.lists(st.sampled_from(tags), max_size=10))


@given(tagged())
def test_any_sequence_is_repaired_to_the_entities_that_seqeval_reads(case: tuple[str, list[str]]) -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    scheme, tags = case
    repaired = to_bio(tags, scheme)
    assert entities(repaired) == get_entities(
        [{"M": "I", "L": "E", "U": "S", "W": "S"}.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    )
    assert to_bio(repaired, "bio", repair=False) == repaired


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=10))
def test_entities_of_any_bio_are_those_that_seqeval_reads(tags: list[str]) -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    assert entities(tags) == get_entities(tags)


@given(
    st.lists(st.tuples(st.sampled_from(["PER", "LOC", ""]), st.integers(1, 4)), max_size=6),
    st.sampled_from(SCHEMES),
)
def test_a_well_formed_sequence_needs_no_repair(chunks: list[tuple[str, int]], scheme: str) -> None:
    tags, expected = [], []
    for kind, length in chunks:
        if kind:
            expected.append((kind, len(tags), len(tags) + length - 1))
        after_alike = bool(tags) and tags[-1][2:] == kind
        tags += spell(kind, length, scheme, after_alike)
    assert entities(to_bio(tags, scheme, repair=False)) == expected


def spell(kind: str, length: int, scheme: str, after_alike: bool) -> list[str]:
    """One entity (or stretch of O) as the schemes' definitions say."""
    if not kind:
        return ["O"] * length
    if scheme == "bilou":
        return [
            tag.replace("E-", "L-").replace("S-", "U-") for tag in spell(kind, length, "iobes", after_alike)
        ]
    if scheme == "bmewo":
        return [tag.replace("S-", "W-") for tag in spell(kind, length, "bmes", after_alike)]
    if scheme in ("iobes", "bmes"):
        inside = "I" if scheme == "iobes" else "M"
        prefixes = "S" if length == 1 else f"B{inside * (length - 2)}E"
    else:
        prefixes = ("B" if scheme == "bio" or after_alike else "I") + "I" * (length - 1)
    return [f"{prefix}-{kind}" for prefix in prefixes]


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("bio", ["O", "I-X"]),
        ("bio", ["B-X", "I-Y"]),
        ("iob1", ["B-X"]),
        ("iobes", ["I-X", "E-X"]),
        ("iobes", ["B-X", "O"]),
        ("iobes", ["B-X", "S-X"]),
        ("bmes", ["B-X", "M-X"]),
        ("bmes", ["E-X"]),
    ],
)
def test_without_repair_an_ill_formed_sequence_is_refused(scheme: str, tags: list[str]) -> None:
    with pytest.raises(BadRowError, match=r"token \d: .* is ill-formed"):
        to_bio(tags, scheme, repair=False)


@given(
    st.sampled_from([scheme for scheme in SCHEMES if scheme != "iob1"]),
    st.sampled_from(["PER", "geo-loc", "I", "a_b"]),
    st.sampled_from("-_:./"),
    st.booleans(),
    st.booleans(),
)
def test_a_tag_of_any_spelling_means_what_it_means_in_the_usual_one(
    scheme: str, kind: str, sign: str, last: bool, lower: bool
) -> None:
    for prefix in PREFIXES[scheme]:
        written = prefix.lower() if lower else prefix
        tag = f"{kind}{sign}{written}" if last else f"{written}{sign}{kind}"
        if not (last and kind == "I"):  # I-B is an entity of type B
            assert respelt(tag, scheme) == f"{prefix}-{kind}"
    assert respelt("o", scheme) == respelt("O", scheme) == "O"
