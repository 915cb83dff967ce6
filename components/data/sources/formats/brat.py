"""brat's stand-off annotations (https://brat.nlplab.org/standoff.html): texts, each with its .ann."""

from __future__ import annotations

from pathlib import Path

from components.data.sources.documents import Document, Relation
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Skipped, Unreadable
from components.errors import BadRowError, UserError
from components.settings.data import Source


def read_brat(path: Path, source: Source) -> Numbered:
    """`id` (the text's name), `text`, `spans` and relations of every text of a folder, or of one.

    A text without its .ann, or with a span in several pieces, is set aside.
    """
    texts = sorted(path.rglob("*.txt")) if path.is_dir() else [path.with_suffix(".txt")]
    if not texts:
        raise UserError(f"{path}: no text in this folder, expected NAME.txt beside NAME.ann")
    for number, text in enumerate(texts, 1):
        try:
            yield number, _document(text, path, source)
        except BadRowError as error:
            yield number, Unreadable(f"{text.with_suffix('.ann').name}, {error}")


def _document(file: Path, folder: Path, source: Source) -> Document | Skipped:
    notes = file.with_suffix(".ann")
    text = "".join(lines(file, source.encoding))
    if not notes.is_file():
        return Skipped("a text without its .ann")
    if not text.strip():
        return Skipped("an empty text")
    spans: list[Span] = []
    links: list[Relation] = []
    for number, line in enumerate(lines(notes, source.encoding), 1):
        fields = line.rstrip("\r\n").split("\t")
        try:
            if line.startswith("T"):
                spans.append(_span(fields))
            elif line.startswith("R"):
                kind, *ends = fields[1].split()
                first, second = sorted(ends)  # Arg1:T1 Arg2:T2
                links.append((first.partition(":")[2], second.partition(":")[2], kind))
        except (ValueError, IndexError):
            found = line.strip()
            raise BadRowError(
                f"line {number}: found {found!r:.60}, expected ID, type and places, text"
            ) from None
        except _InPiecesError:
            return Skipped("a text with a span in several pieces")
    name = file.relative_to(folder) if folder.is_dir() else Path(file.name)
    return Document({"id": name.with_suffix("").as_posix(), "text": text, "spans": spans}, links)


class _InPiecesError(Exception):
    """A span stands in several places; what is tagged is one."""


def _span(fields: list[str]) -> Span:
    """ "T1", "PER 0 7", "Ann Lee"."""
    kind, *places = fields[1].replace(";", " ; ").split()
    if ";" in places:
        raise _InPiecesError
    start, end = map(int, places)
    said = {"text": fields[2]} if len(fields) > 2 else {}
    return {"id": fields[0], "start": start, "end": end, "type": kind, **said}


def _is_brat(sample: Sample) -> bool:
    if sample.path.is_dir():
        return any(note.with_suffix(".txt").is_file() for note in sample.path.rglob("*.ann"))
    return sample.path.suffix == ".ann"


FORMATS = {"brat": Format(read_brat, _is_brat)}
