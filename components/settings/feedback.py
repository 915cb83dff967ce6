"""What params.yaml says of the right answers that callers of a service send back."""

from __future__ import annotations

from components.settings.section import Bytes, Section


class Feedback(Section):
    """Where a service keeps the right answers that it is sent, until a person accepts or rejects them
    (docs/how-to/feedback.md)."""

    folder: str = "monitoring/feedback"  # a file each, with the text that was sent with it
    max_bytes: Bytes = 200_000_000  # on the disk, of all that wait together; what comes then is refused
