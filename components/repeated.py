"""Names that should be there once."""

from __future__ import annotations

from collections.abc import Sequence


def distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, as `object_pairs_hook` has it.

    Raises:
        ValueError: a key is there twice, so that one of its values would be lost.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = twice_in([name for name, _ in pairs])
        raise ValueError(f"the key '{twice:.60}' is there twice")
    return found


def twice_in(names: Sequence[str]) -> str | None:
    """The first name that is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
