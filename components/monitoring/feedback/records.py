"""What is kept of a right answer that somebody sent."""

from __future__ import annotations

import hashlib
import json

from components.families.base import Row
from components.records import Record

ID = r"[A-Za-z0-9_.:-]{1,64}"  # of a request, as the service gives it in X-Request-ID


class Feedback(Record):
    """monitoring/feedback/waiting/KEY.json: the right answer of a task to what was asked."""

    remedy = "remove the file"

    request: str  # id of the request that the prediction answered
    item: int  # which of its texts, from 0
    task: str  # that answered it
    inputs: Row | None  # what was asked, by the task's inputs; null: as the traffic recorded it
    answer: Row  # the task's targets, by their roles in a row
    release: str  # that keeps it
    received: str  # ISO 8601, UTC
    note: str = ""  # what the release's own labels have against it

    @property
    def key(self) -> str:
        """Of all that was said: who says the same again has said it once."""
        said = [self.request, self.item, self.task, self.inputs, self.answer]
        text = json.dumps(said, sort_keys=True, ensure_ascii=True)
        return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()

    @property
    def prediction(self) -> str:
        """Which prediction it is about: REQUEST/ITEM/TASK."""
        return f"{self.request}/{self.item}/{self.task}"
