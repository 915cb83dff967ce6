"""The card of a bundle whose service a browser asks (synthetic)."""

from __future__ import annotations

from pathlib import Path

from components.release.records import BundleCard, Code, Limits, PackedModel, PackedTask
from serving.bundle import Served

EXAMPLE = {"text": "Ada's flat in Turin"}


def packed(family: str, inputs: list[str]) -> PackedTask:
    return PackedTask(
        example=EXAMPLE if inputs == ["text"] else {},
        family=family,
        labels=None,
        inputs=inputs,
        max_length=64,
        gate="pass",
        rows={},
        share=0.25,
        metrics={},
    )


CARD = BundleCard(
    name="tiny",
    version="1",
    model=PackedModel(sha256="", files={}),
    data={},
    code=Code(sha256=""),
    commit=None,
    verdict="PROMOTE",
    limits=Limits(max_texts=1, max_characters=1000, max_body_bytes=10_000),
    tasks={
        "sentiment": packed("classification", ["text"]),
        "news_topic": packed("classification", ["text"]),
        "ner": packed("tagging", ["text"]),
        "bought": packed("click", ["text", "categorical"]),
    },
)


def served_with(card: BundleCard = CARD) -> Served:
    """A release of this card, and of no folder."""
    found = Served(Path("+".join(card.tasks)), None)
    found.__dict__["card"] = card  # as if it had been read
    return found
