"""What params.yaml says of a release that no program can know: the words of its model card, and its keys."""

from __future__ import annotations

from components.settings.section import Section

EAGER = "eager"  # the runtime that every machine has: torch, in single precision
AUTO = "auto"  # whichever is the fastest of those that answer as well


class DataStatement(Section):
    """What the model card says of a task's data; what is left out, it says is not stated."""

    license: str | None = None  # of the data, e.g. cc-by-4.0
    origin: str | None = None  # who made them, or an address


class Card(Section):
    """The model card's own words, in Markdown; what is left out, it says is not stated."""

    license: str | None = None  # of the model, as the Hugging Face hub names it, e.g. apache-2.0
    language: list[str] = []  # of the texts, by their ISO 639-1 codes, e.g. [en]
    intended_use: str | None = None  # what the model is for, and for whom
    limits: str | None = None  # what it is not for, and where it is known to go wrong
    contact: str | None = None  # whom to ask
    data: dict[str, DataStatement] = {}  # by task


class Signing(Section):
    """The keys of an elliptic curve, as PEM, that sign and verify releases (docs/how-to/signing.md)."""

    public_key: str  # its file; whoever loads a release verifies it with this
    private_key: str | None = None  # its file, on the machine that makes releases and never in git
    required: bool = False  # true: a Bento without a signature is refused
