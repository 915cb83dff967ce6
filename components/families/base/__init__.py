"""What a task family must offer, cut by who asks for it, and what it may offer besides.

A family knows everything about what its kind of task *means*: columns, expectations, encoding, head, loss,
metrics, baselines, decoding, response. Ingest, validation, encoding, training, evaluation and service each
ask the part that is theirs, and never look at a family's name. `capabilities.py` has what some families want
besides; a family that declares one inherits it, too.
"""

from __future__ import annotations

from typing import ClassVar

from components.families.base.encoding import EncodingPart
from components.families.base.evaluation import EvaluationPart
from components.families.base.ingest import IngestPart
from components.families.base.metric import Metric
from components.families.base.records import (
    COMMON,
    Check,
    ClassCounts,
    Facts,
    Layout,
    Options,
    Prediction,
    Row,
    Sequence1,
    TextRequest,
    Truncation,
    Turn,
)
from components.families.base.service import ServicePart
from components.families.base.training import TrainingPart
from components.families.base.validation import ValidationPart

__all__ = [
    "COMMON", "Check", "ClassCounts", "EncodingPart", "EvaluationPart", "Facts", "Family", "IngestPart",
    "Layout", "Metric", "Options", "Prediction", "Row", "Sequence1", "ServicePart", "TextRequest",
    "TrainingPart", "Truncation", "Turn", "ValidationPart",
]  # fmt: skip


class Family(ServicePart, ValidationPart, EncodingPart, TrainingPart, EvaluationPart):
    """One kind of task. Instances hold no state."""

    name: ClassVar[str]
