"""What the name of a file says: its split, and what is left without that and the number of a shard."""

from __future__ import annotations

import re

from components.data.propose.names import SPLITS

SHARD = re.compile(r"[-_.]?\d+(-of-\d+)?$")


def split_of(name: str) -> tuple[str, str]:
    """The split that a name has a word of ("train" if none), and the name without it and a shard's number."""
    for word in reversed(re.findall(r"[A-Za-z]+", name)):
        if word.lower() in SPLITS:
            bare = re.sub(rf"(?<![A-Za-z]){word}(?![A-Za-z])", "", name, count=1)
            return SPLITS[word.lower()], _bare(bare)
    return "train", _bare(name)


def _bare(name: str) -> str:
    return SHARD.sub("", name).strip("-_./ ")
