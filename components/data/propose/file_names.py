"""What the name of a file says: its split, and what is left without that and the number of a shard."""

from __future__ import annotations

import re

from components.data.propose.names import SPLITS

EVALUATED = re.compile(r"(?i)(?<![a-z])eval(uation)?(?![a-z])")
VAGUE = {"eval", "evaluation", "holdout", "heldout"}
SPARK = re.compile(r"part-\d{5}-[\w.-]+$")  # part-00000-8b2e7f4e-...-c000.snappy
SHARD = re.compile(r"[-_.]?\d+(-of-\d+)?$")


def split_of(name: str) -> tuple[str, str]:
    """The split that a name has a word of ("train" if none), and the name without it and a shard's number."""
    if not (words := words_of_splits(name)):
        return "train", _bare(name)
    bare = re.sub(rf"(?<![A-Za-z]){words[-1]}(?![A-Za-z])", "", name, count=1)
    return SPLITS[words[-1].lower()], _bare(bare)


def words_of_splits(name: str) -> list[str]:
    """The words of a name that mean a split; "eval" and "holdout" beside others are of the rest of the name:
    train_eval is for training."""
    words = [word for word in re.findall(r"[A-Za-z]+", name) if word.lower() in SPLITS]
    return [word for word in words if word.lower() not in VAGUE] or words


def settled(files: dict[str, list[str]]) -> dict[str, list[str]]:
    """The files of each split; beside those of a validation set, what is called "eval" is the test set."""
    held = files.get("validation", [])
    evaluated = [name for name in held if EVALUATED.search(name)]
    if "test" in files or len(evaluated) in (0, len(held)):
        return files
    return {**files, "validation": [name for name in held if name not in evaluated], "test": evaluated}


def splits_of(words: list[str]) -> dict[str, str]:
    """The split that each of the words means, which are all of a column's."""
    found: dict[str, list[str]] = {}
    for word in words:
        found.setdefault(SPLITS[word.lower()], []).append(word)
    meant = {word: split for split, names in settled(found).items() for word in names}
    return {word: meant[word] for word in words}


def _bare(name: str) -> str:
    return SHARD.sub("", SPARK.sub("part", name)).strip("-_./ ")
