"""What changed between what a champion has learnt and what a candidate has, in words."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

SHOWN = 5  # names, of a long list
LONGEST = 40  # characters of a name
MINUS = "\u2212"


def said(names: Iterable[str]) -> str:
    """Names in one line, long ones and long lists cut."""
    every = [" ".join(name[:LONGEST].split()) for name in names]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def come_and_gone(known: Iterable[str], names: Iterable[str], kept: Container[str] | None = None) -> str:
    """What is new and what is gone, but for what is `kept`: "+X \u2212Y". Without that, what both have is."""
    known, names = list(dict.fromkeys(known)), list(dict.fromkeys(names))
    kept = {*known} & {*names} if kept is None else kept
    come = [f"+{name}" for name in names if name not in kept]
    gone = [f"{MINUS}{name}" for name in known if name not in kept]
    return " ".join(said(some) for some in (come, gone) if some)


def options_changed(known: Mapping[str, Any], options: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The first of these options that has another value now; one that is new since then is no change."""
    for name in names:
        if known.get(name, options[name]) != options[name]:
            return (
                f"its option {name} changed from {known[name]!r:.{LONGEST}} to {options[name]!r:.{LONGEST}}"
            )
    return None
