"""A text and its answers -> a row that says what kind of text it was, and not the text."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from components.families.base import Row
from components.keyed import derive_seed
from components.languages import language, script
from components.settings.traffic import Traffic

BUCKETS = 64  # of a sketch: bytes a row, so that a day's 4,096 rows have 256 KB of them
LONGEST = 20_000  # characters of a text that are looked at
# characters of an item that are redacted: an expression such as \S+@\S+ takes a second for 20,000 letters, in
# which the worker answers nobody, so the texts of a longer one are not kept
REDACTED = 4000
KEPT = ("text", "request", "inputs")  # columns that are there only where texts may be kept


class RowMaker:
    """Knows a model's tokenizer and its tasks' labels."""

    def __init__(
        self, tokenizer: Path, labels: Mapping[str, Sequence[str]], release: str, traffic: Traffic
    ) -> None:
        """`labels`: task -> the labels that it may answer with."""
        self.tokenizer = Tokenizer.from_file(str(tokenizer))  # of our own: its truncation is a setting
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.labels = {task: frozenset(names) for task, names in labels.items()}
        self.release, self.traffic = release, traffic
        self.unknown = self._unknown()
        self.patterns = [re.compile(one) for one in traffic.redact]
        draw = np.random.default_rng(derive_seed("sketch", BUCKETS))
        size = 1 + max(self.tokenizer.get_vocab().values())  # ids may have gaps: it may have fewer tokens
        self.bucket_V, self.sign_V = draw.integers(BUCKETS, size=size), draw.choice([-1.0, 1.0], size=size)

    def row(
        self,
        key: float,
        texts: Sequence[str],
        answers: Mapping[str, Any],
        request: str = "",
        inputs: Row | None = None,
    ) -> Row:
        """What is kept of an item with these texts and answers (task -> its fields); `key` says whether it
        stays in the day's sample. `request`, REQUEST/ITEM, and the inputs that the texts are of are kept
        where texts are."""
        text = " ".join(texts)[:LONGEST]
        ids = np.array(self.tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)
        kept = self._kept(texts, request, inputs or {}) if self._may_keep(texts) else {}
        return {
            "id": uuid.uuid4().hex,
            "time": datetime.now(UTC),
            "key": key,
            "release": self.release,
            "characters": sum(map(len, texts)),
            "tokens": len(ids),
            "unknown": float(np.mean(ids == self.unknown)) if len(ids) else 0.0,
            "script": (written := script(text)),
            "language": language(text, written),
            "sketch": self.sketch(ids).tobytes(),
            **kept,
            **{
                f"{task}.{name}": value
                for task, one in answers.items()
                for name, value in self._parts(task, one)
            },
        }

    def sketch(self, ids: np.ndarray) -> np.ndarray:
        """Which words a text has, as `BUCKETS` bytes: signed feature hashing (Weinberger et al. 2009) of the
        roots of the tokens' counts, of length 127."""
        tokens, counts = np.unique(ids, return_counts=True)
        sums = np.bincount(
            self.bucket_V[tokens], weights=self.sign_V[tokens] * np.sqrt(counts), minlength=BUCKETS
        )
        return np.asarray(np.rint(127 * sums / max(float(np.linalg.norm(sums)), 1e-9)), dtype=np.int8)

    def _parts(self, task: str, answer: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Labels as they are, numbers as they are, and of anything else only how much there is. What is no
        number is left out: a mean of it would be none."""
        found: list[tuple[str, Any]] = []
        for name, value in answer.items():
            if isinstance(value, str) and value in self.labels.get(task, ()):
                found.append((name, value))
            elif isinstance(value, int | float):
                found += [(name, float(value))] if math.isfinite(value) else []
            elif isinstance(value, str | list):
                found.append((name, float(len(value))))
        return found

    def _may_keep(self, texts: Sequence[str]) -> bool:
        return self.traffic.texts and (not self.patterns or sum(map(len, texts)) <= REDACTED)

    def _kept(self, texts: Sequence[str], request: str, inputs: Row) -> dict[str, str]:
        """The columns of `KEPT`."""
        text = self._redacted(" ".join(texts))[:LONGEST]
        redacted = json.dumps(self._redacted_all(inputs), ensure_ascii=False)
        return dict(zip(KEPT, (text, request, redacted), strict=True))

    def _redacted_all(self, value: Any) -> Any:
        """The inputs with every text in them redacted, however deep."""
        if isinstance(value, str):
            return self._redacted(value)
        if isinstance(value, list):
            return [self._redacted_all(one) for one in value]
        if isinstance(value, Mapping):
            return {name: self._redacted_all(one) for name, one in value.items()}
        return value

    def _redacted(self, text: str) -> str:
        for pattern in self.patterns:
            text = pattern.sub("[…]", text)
        return text

    def _unknown(self) -> int:
        """The token for what the tokenizer does not know; -1 where it knows every byte."""
        marks = ("[UNK]", "<unk>", "<UNK>")
        known = (self.tokenizer.token_to_id(mark) for mark in marks)
        return next((number for number in known if number is not None), -1)
