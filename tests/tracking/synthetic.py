"""Synthetic steps and evaluations."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from components.training.run.watcher import Seen

HEADS = ("sentiment", "news_topic", "ner", "intensity", "similarity", "tweet_ner")


def seen(step: int, **changes: object) -> Seen:
    """A step of 1,600 tokens that took half a second."""
    facts = {
        "losses": dict.fromkeys(HEADS, 0.5 + step / 1000),
        "weights": dict.fromkeys(HEADS, 1 / 6),
        "shares": dict.fromkeys(HEADS, 0.25),
        "learning_rate": 1e-4,
        "tokens": 1600 * step,
        "at": 100 + step / 2,
    }
    return Seen(step, **{**facts, **changes})  # type: ignore[arg-type]


def entry(step: int) -> dict[str, Any]:
    """A synthetic evaluation."""
    return {
        "step": step,
        "score": 0.5 - abs(step - 10) / 100,
        "validation": dict.fromkeys(HEADS, step / 100),
        "training_loss": dict.fromkeys(HEADS, 1 / step),
        "weights": dict.fromkeys(HEADS, 0.5),
        "mixture": dict.fromkeys(HEADS, 0.2),
        "learning_rate": 1e-4,
        "tokens": 100 * step,
        "cosines": {},
    }


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
