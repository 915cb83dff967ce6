"""The key of a text, by which its repeats are found."""

from __future__ import annotations

import hashlib
import re


def text_key(text: str) -> str:
    """Hash a text without case, punctuation and spacing: equal keys count as one text."""
    words = re.findall(r"\w+", text.casefold())
    canonical = " ".join(words) or text  # a text of symbols only stands for itself
    return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
