"""Files that go together line by line, and files of one class each.

`parallel`: a column in each file, as translations (`train.en`, `train.de`), summaries (`train.source`,
`train.target`) and labels beside texts (`train_text.txt`, `train_labels.txt`) are laid out. `class_files`: a
folder with a file for each class, a text a line, as `rt-polarity.pos` and `.neg` (Pang & Lee 2005).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from os.path import commonprefix
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.foreign import refuse
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source

PLAIN = ("", ".txt")  # endings that say nothing
LAST = re.compile(r"(.+)[._-]([^._-]+)")  # a name, and the word at its end
CLASSES = {
    *("pos", "neg", "positive", "negative", "neutral", "neu", "spam", "ham", "hate", "toxic", "clean"),
    *(
        "subjective",
        "objective",
        "subj",
        "obj",
        "quote",
        "plot",
        "yes",
        "no",
        "true",
        "false",
        "fake",
        "real",
    ),
}
SIDES = {
    *("source", "target", "src", "tgt", "trg", "text", "texts", "label", "labels", "words", "tags"),
    *(
        "article",
        "summary",
        "tok",
        "title",
        "document",
        "sentence",
        "sentences",
        "input",
        "output",
        "complex",
    ),
    *("simple", "normal", "formal", "informal", "question", "answer", "query", "context", "response"),
}
LANGUAGE = re.compile(r"[a-z]{2}(?:[_-][A-Za-z]{2,4})?")
FOREIGN = {  # endings of files beside them that are no column
    *(
        "csv",
        "tsv",
        "json",
        "jsonl",
        "ndjson",
        "parquet",
        "arrow",
        "xlsx",
        "xls",
        "html",
        "htm",
        "xml",
        "ann",
    ),
    *("md", "pdf", "log", "py", "sh", "yml", "yaml", "toml", "cfg", "dvc", "bak", "orig", "tmp", "swp"),
    *("gz", "zip", "zst", "bz2", "xz", "tar", "tgz", "pkl", "pickle", "npy"),
}
WORD = re.compile(r"[\w-]+")
NO_DATA = re.compile(r"(?i)readme|licen[cs]e")


def parallel_files(path: Path) -> dict[str, Path]:
    """Column -> its file, of those that go with this one: their ending, or last word, alone is another."""
    name, column = split_name(path)
    if not column:
        return {}
    beside = (file for file in sorted(path.parent.iterdir()) if file.is_file())
    found = {split_name(file): file for file in beside if file.suffix == path.suffix or not _is_plain(path)}
    return {other: file for (begin, other), file in found.items() if begin == name and _is_column(other)}


def _is_column(name: str) -> bool:
    return WORD.fullmatch(name) is not None and name.lower() not in FOREIGN


def split_name(path: Path) -> tuple[str, str]:
    """A file's name without what says which column it is, and that: "train", "en"; "train", "text"."""
    if not _is_plain(path):
        return path.stem, path.suffix[1:]
    found = LAST.fullmatch(path.stem)
    return (found[1], found[2]) if found else (path.stem, "")


def _is_plain(path: Path) -> bool:
    return path.suffix.lower() in PLAIN


def read_parallel(path: Path, source: Source) -> Numbered:
    """A row for each line, with a column for each of the files that go with this one."""
    files = parallel_files(path)
    if len(files) < 2:
        raise UserError(f"{path}: no file beside it that goes with it, as train.de goes with train.en")
    columns = [_lines(file, source) for file in files.values()]
    for number, row in enumerate(zip_longest(*columns), 1):
        if None in row:
            told = ", ".join(
                f"{file.name} {sum(1 for _ in _lines(file, source)):,}" for file in files.values()
            )
            raise UserError(f"{path}: expected as many lines in each of the files; found {told}")
        yield number, dict(zip(files, row, strict=True))


def _lines(file: Path, source: Source) -> Iterator[str]:
    """Without their ends; a \\r within a line ends none, or the lines after it would meet others."""
    refuse(file)
    return (line.rstrip("\r\n") for line in lines(file, source.encoding, newline="\n"))


def read_class_files(path: Path, source: Source) -> Numbered:
    """`text`, a line, and `label`, what its file's name has that the others' have not."""
    if not path.is_dir():
        raise UserError(f"{path}: a file, expected the folder with a file for each class")
    number = 0
    for label, file in class_files(path).items():
        if file.suffix[1:].lower() in FOREIGN:
            raise UserError(
                f"{file}: expected a text a line; a table for each class is its own format with "
                f'`files: {{train: "*{file.suffix}"}}` and `file_column: label`'
            )
        for line in _lines(file, source):
            number += 1
            if line.strip():
                yield number, _row(line, label)
    if not number:
        raise UserError(f"{path}: no file for each class in it, as pos.txt and neg.txt, or x.pos and x.neg")


def _row(line: str, label: str) -> Values:
    return {"text": line, "label": label}


def class_files(folder: Path) -> dict[str, Path]:
    """Class -> its file, of a folder of nothing else; empty where it is none."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name[0] != "."]
    texts = [file for file in files if not NO_DATA.search(file.name)]
    if len(texts) < 2:
        return {}
    suffixes = {file.suffix for file in texts}
    ending = len(suffixes) == len(texts) and len({file.stem for file in texts}) == 1
    names = [file.suffix[1:] if ending else file.stem if _is_plain(file) else file.name for file in texts]
    return dict(zip(apart(names), texts, strict=True))


def apart(names: list[str]) -> list[str]:
    """The names without the words with which all begin, and those with which all end."""
    begin = commonprefix(names)  # noqa: RUF071 letters, not folders
    begin = begin[: max(begin.rfind(sign) for sign in "._-") + 1]
    names = [name.removeprefix(begin) for name in names]
    end = commonprefix([name[::-1] for name in names])[::-1]  # noqa: RUF071
    signs = [place for place, letter in enumerate(end) if letter in "._-"]
    return [name.removesuffix(end[signs[0] :]) for name in names] if signs else names


def _are_class_files(sample: Sample) -> bool:
    found = class_files(sample.path) if sample.path.is_dir() else {}
    tables = any(file.suffix[1:].lower() in FOREIGN for file in found.values())
    return (
        len(found) > 1
        and not tables
        and all(re.split(r"[._-]", name.lower())[0] in CLASSES for name in found)
    )


def _are_parallel(sample: Sample) -> bool:
    """A folder is told by its files (`parallel_sets`); a file, by the one beside it."""
    return not sample.path.is_dir() and is_parallel(sample.path)


def is_parallel(path: Path) -> bool:
    """Do the files beside this one look like further columns of it?"""
    columns = parallel_files(path)
    return (
        path.name in {file.name for file in columns.values()}
        and len([name for name in columns if name in SIDES or _is_language(path, name)]) > 1
    )


def parallel_sets(folder: Path) -> dict[str, Path]:
    """Name -> the first file of each set of files that go together, of a folder of nothing else."""
    texts = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name[0] != "."]
    data = [file for file in texts if not (NO_DATA.search(file.name) or file.stem.startswith("mapping"))]
    if not data or not all(map(is_parallel, data)):
        return {}
    return {split_name(file)[0]: file for file in reversed(data)}


def _is_language(path: Path, name: str) -> bool:
    return not _is_plain(path) and LANGUAGE.fullmatch(name) is not None


FORMATS = {
    "parallel": Format(read_parallel, _are_parallel),
    "class_files": Format(read_class_files, _are_class_files, general=True),
}
