"""Where the data are: a file, a folder, what a run has downloaded, or an address."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from os.path import commonprefix
from pathlib import Path
from tempfile import TemporaryDirectory

from components import advice
from components.data.propose.class_tables import class_tables
from components.data.propose.data_card import declared_files
from components.data.propose.file_names import settled, words_of_splits
from components.data.propose.formats import encoding_of
from components.data.propose.joins import joined_tables
from components.data.propose.names import SPLITS
from components.data.propose.source_keys import SourceKeys
from components.data.propose.workbook import source_of
from components.data.sources import formats
from components.data.sources.formats.line_files import parallel_sets
from components.errors import TryAgainError, UserError, near_miss
from components.files import refuse_stream

SUFFIXES = {
    *(".csv", ".tsv", ".tab", ".txt", ".jsonl", ".json", ".ndjson", ".parquet", ".arrow"),
    *(".conll", ".conllu", ".iob", ".bio", ".bmes", ".xlsx", ".xls", ".ods", ".orc", ".avro", ".spacy"),
    *(".label", ".xml", ".gz", ".zst", ".bz2", ".xz", ".zip"),
}
SINGLE: SourceKeys = {"format": "tsv", "quoting": False}  # a table of one column, which any separator reads
ENCODED, PIECE = 2000, 20_000  # files of a folder by which its encoding is told, and bytes of each
NOT_DATA = re.compile(
    r"(?i)^~\$|readme|licen[cs]e|sample_?submission|dataset_infos?|manifest|\.version\.json"
)


@dataclass(frozen=True)
class Place:
    """A source as params.yaml names it, and where its files are at the moment."""

    source: SourceKeys
    at: Path
    remotes: dict[str, dict[str, str]] = field(default_factory=dict)  # name -> its keys

    @property
    def looked_at(self) -> list[Path]:
        """The training files, of which each may hold other classes."""
        name = self.source.get("files", {}).get("train", "")
        return matching(self.at, name) if "*" in name else [self.first]

    @property
    def first(self) -> Path:
        """What is looked at: the file, or the training file, of several the first."""
        name = self.source.get("files", {}).get("train")
        return self.at if name is None else next(iter(matching(self.at, name)), self.at / name)


@contextmanager
def locate(address: str) -> Iterator[Place]:
    """Find the data and how they are read; what lies elsewhere is fetched for as long as the block lasts.

    Raises:
        UserError: nothing is there, or it is in no known format.
    """
    if "://" not in address:
        yield _here(address)
        return
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        remote = _fetch(address, folder)
        files = [file for file in folder.rglob("*") if file.is_file()]
        name = identifier(Path(files[0].name).stem if len(files) == 1 else Path(address.rstrip("/*")).name)
        at = files[0] if len(files) == 1 else folder
        below = f"/{at.relative_to(folder)}" if len(files) == 1 else ""
        yield Place({"path": f"downloads/{name}{below}", **described(at)}, at, {name: remote})


def _here(address: str) -> Place:
    """A file or a folder of this machine, or the files of a pattern."""
    path = Path(address)
    if path.exists():
        refuse_stream(path)
        return place_of(path)
    folder, _, name = address.rpartition("/")
    found = sorted(Path(folder or ".").glob(name)) if "*" in name else []
    if not found:
        raise UserError(_missing(path))
    source: SourceKeys = {"path": folder or ".", "files": {"train": name}, **source_of(found[0])}
    return Place(source, Path(folder or "."))


def place_of(path: Path) -> Place:
    """A file or a folder; a file that others go with is named in its folder, all of which is watched."""
    found = described(path)
    if found.get("format") == "parallel" and path.is_file():
        return Place({"path": str(path.parent), "files": {"train": path.name}, **found}, path.parent)
    return Place({"path": str(path), **found}, path)


def identifier(name: str) -> str:
    """A name that params.yaml takes, of any other."""
    word = re.sub(r"\W+", "_", name.lower()).strip("_")
    return word if word.isidentifier() else f"task_{word}".rstrip("_")


def _missing(path: Path) -> str:
    if path.parts[:1] == ("downloads",) and len(path.parts) > 1:
        name = path.parts[1]
        download, fetch = (advice.word(f"{stage}@{name}") for stage in ("download", "fetch"))
        return f"{path}: not fetched yet; `dvc repro {download}` or `dvc repro {fetch}` fetches it"
    folder = path.parent
    neighbours = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return f"{path}: no such file or folder{near_miss(path.name, neighbours)}"


def _fetch(address: str, folder: Path) -> dict[str, str]:
    """Bring the files of an address into the folder; returns its entry under `remotes`."""
    from components.data.sources.remotes import url
    from components.settings.remotes import Url, check_no_credential
    from components.settings.secrets import guarded, redact

    remote = Url(kind="url", address=address)
    check_no_credential(redact(address), remote)
    try:
        with guarded():
            url.fetch(remote, folder)
    except TryAgainError as error:
        raise UserError(str(error)) from None
    return {"kind": "url", "address": address}


def is_data_set(folder: Path) -> bool:
    """Is the folder itself a source: one that the library `datasets` has written, or one of documents?"""
    saved = (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()
    within = (path for path in folder.iterdir() if path.is_dir())
    documents = bool(formats.detect(folder)) and not any(map(formats.detect, within))
    rows = (
        bool(declared_files(folder))
        or bool(parallel_sets(folder))
        or (class_tables(folder) or joined_tables(folder)) is not None
    )
    return saved or documents or bool(split_folders(folder)) or rows


def split_folders(folder: Path) -> dict[str, str]:
    """The split of each folder of documents within, where these are called as splits are: the source's
    `files`; empty where they are not."""
    within = [path for path in sorted(folder.iterdir()) if path.is_dir() and formats.detect(path)]
    found = {SPLITS[path.name.lower()]: path.name for path in within if path.name.lower() in SPLITS}
    return found if "train" in found and len(found) == len(within) else {}


def data_files(folder: Path) -> list[Path]:
    """The files of data in a folder, and in those within.

    Raises:
        UserError: there is none.
    """
    files = [file for file in sorted(folder.rglob("*")) if _is_data(file, folder)]
    if not files:
        raise UserError(
            f"{folder}: no data file in this folder, expected one of {', '.join(sorted(SUFFIXES))}"
        )
    return files


def described(path: Path) -> SourceKeys:
    """Format and files of a file or folder.

    Raises:
        UserError: it is in no known format, or a folder of several tasks.
    """
    if path.is_file():
        return source_of(path)
    if (path / "dataset_dict.json").is_file():
        splits = json.loads((path / "dataset_dict.json").read_text(encoding="utf-8"))["splits"]
        return {"format": "huggingface", "files": _by_split(path, {name: name for name in splits})}
    if (path / "state.json").is_file():
        return {"format": "huggingface"}
    return _of_folder(path)


def _of_folder(path: Path) -> SourceKeys:
    """The same of one of documents, or of files."""
    if files_of := split_folders(path):
        return {"files": files_of, **_documents(path / files_of["train"])}
    if formats.detect(path):
        return _documents(path)
    if sets := parallel_sets(path):
        first = next(iter(sets.values()))
        names = {file.name: name for name, file in sets.items()}
        files_of = _by_split(path, names) if len(names) > 1 else {"train": first.name}
        return {"files": files_of, **source_of(path / files_of["train"])}
    if (tables := class_tables(path)) and all(fits(path, names) for names in tables[0].values()):
        return {"files": {split: pattern(names) for split, names in tables[0].items()}, **tables[1]}
    return joined_tables(path) or _of_splits(path)


def _of_splits(path: Path) -> SourceKeys:
    """The same of the files of a task's splits, or of a single one."""
    if declared := declared_files(path):
        return {"files": declared, **common_source(path, declared)}
    files = data_files(path)
    if len(files) == 1:
        name = str(files[0].relative_to(path))
        return {"files": {"train": name}, **source_of(files[0])}
    of_splits = _by_split(path, {str(file.relative_to(path)): file.stem for file in files})
    return {"files": of_splits, **common_source(path, of_splits)}


def common_source(folder: Path, files: dict[str, str]) -> SourceKeys:
    """How the files of all splits are read.

    Raises:
        UserError: one is in another format, or has another separator, than the first.
    """
    firsts = {split: matching(folder, name)[0] for split, name in files.items()}
    told = {split: source_of(first) for split, first in firsts.items()}
    for split, source in told.items():
        if source == SINGLE:
            continue
        if any(source.get(key) != told["train"].get(key) for key in ("format", "separator")):
            raise UserError(
                f"{firsts[split]}: read as {_spelled(source)}, but {firsts['train'].name} as "
                f"{_spelled(told['train'])}; the splits of a task are of one format: convert one of them"
            )
    return told["train"]


def matching(folder: Path, name: str) -> list[Path]:
    """The files of a name, or of a pattern: it has a star, and a name may have brackets."""
    return sorted(folder.glob(name)) if "*" in name else [folder / name]


def _spelled(source: SourceKeys) -> str:
    return f"{source['format']} with '{source['separator']}'" if "separator" in source else source["format"]


def _documents(folder: Path) -> SourceKeys:
    """Format and encoding of a folder of documents."""
    source: SourceKeys = {"format": formats.detect(folder)[0]}
    some = islice((file for file in sorted(folder.rglob("*")) if file.is_file()), ENCODED)
    text = b"\n".join(file.read_bytes()[:PIECE] for file in some)
    encoding = encoding_of(folder, text, whole=False)
    return source if encoding == "utf-8" else {**source, "encoding": encoding}


def _is_data(file: Path, folder: Path) -> bool:
    if any(part.startswith(".") for part in file.relative_to(folder).parts) or NOT_DATA.search(file.name):
        return False
    return file.is_file() and file.suffix.lower() in SUFFIXES


def _by_split(folder: Path, stems: dict[str, str]) -> dict[str, str]:
    """Split -> its file or, where it has several, their pattern."""
    found: dict[str, list[str]] = {}
    for name, stem in stems.items():
        for split in dict.fromkeys(SPLITS[word.lower()] for word in words_of_splits(stem)):
            found.setdefault(split, []).append(name)
    found = settled(found)
    if "train" not in found:
        raise UserError(f"{folder}: {len(stems)} files, none of which is called train; name one of them")
    for split, names in found.items():
        if len(names) > 1 and not fits(folder, names):
            shown = f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
            raise UserError(
                f"{folder}: {len(names)} files are called {split} ({shown}), and no pattern fits them "
                f"alone; name one of them"
            )
    return {split: pattern(found[split]) for split in dict.fromkeys(SPLITS.values()) if split in found}


def fits(folder: Path, names: list[str]) -> bool:
    """Does the pattern of these names fit them and no other file of the folder?"""
    return {str(file.relative_to(folder)) for file in folder.glob(pattern(names))} == {*names}


def pattern(names: list[str]) -> str:
    """The one name, or a pattern that fits all of them, which lie equally deep."""
    *folders, files = zip(*(Path(name).parts for name in names), strict=False)
    return "/".join([*map(_common, folders), _common(files, Path(files[0]).suffix)])


def _common(words: Sequence[str], end: str = "") -> str:
    """The word, or how all of them begin and end."""
    return words[0] if len({*words}) == 1 else f"{commonprefix(words)}*{end}"  # noqa: RUF071 letters, not folders
