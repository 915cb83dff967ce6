"""spaCy's `DocBin` (*.spacy), read by spaCy itself: `pip install "onetrunk[spacy]"`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes
from components.data.sources.formats.base import Format, Sample
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source


def read_docbin(path: Path, source: Source) -> Numbered:
    """`text`, `tokens`, `tags` (BIO, of the entities), `pos`, `tag`, `spans`, `label` and `labels` (those at
    0.5 or more of `cats`), and each group of spans as `spans.NAME`; of a file, or of all of a folder."""
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: no file *.spacy in this folder")
    number = 0
    for file in files:
        for doc in _docs(file):
            number += 1
            yield number, Document(_columns(doc))


def _docs(path: Path) -> Iterator[Any]:
    try:
        import spacy
        from spacy.tokens import DocBin
    except ImportError:
        raise UserError(
            f'{path}: format docbin needs spaCy, which is not installed; pip install "onetrunk[spacy]"'
        ) from None
    vocab = spacy.blank("xx").vocab
    try:
        yield from DocBin().from_bytes(path.read_bytes()).get_docs(vocab)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}), expected a file") from None
    except Exception as error:
        raise UserError(f"{path}: not a DocBin that spaCy reads ({error!s:.80})") from None


def _columns(doc: Any) -> Values:
    groups = {f"spans.{name}": [_span(span) for span in group] for name, group in doc.spans.items()}
    taken = [name for name, score in doc.cats.items() if score >= 0.5]
    return {
        "text": doc.text,
        "tokens": [token.text for token in doc],
        "tags": [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in doc],
        "pos": [token.pos_ for token in doc],
        "tag": [token.tag_ for token in doc],
        "spans": [_span(span) for span in doc.ents],
        **groups,
        **classes(taken),
    }


def _span(span: Any) -> Values:
    return {"start": span.start_char, "end": span.end_char, "type": span.label_, "text": span.text}


def _is_docbin(sample: Sample) -> bool:
    """By its name: its bytes are zlib's."""
    if sample.path.is_dir():
        return any(sample.path.rglob("*.spacy"))
    return sample.path.suffix == ".spacy"


FORMATS = {"docbin": Format(read_docbin, _is_docbin, binary=True)}
