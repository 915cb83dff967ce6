"""What accepted feedback says of the champion's answers, as the watch over its traffic hears it."""

from __future__ import annotations

from pathlib import Path

from components.monitoring.traffic.feedback import Feedback
from components.settings.project import Project


def feedback(root: Path, project: Project) -> Feedback:
    """Where feedback is, and what is no loss by the gates of the tasks."""
    return Feedback(margins={head: gate.margin for head, gate in project.gates().items()})


def accepted(root: Path, release: str) -> dict[str, int]:
    """task -> rows of feedback that were accepted since the release."""
    return {}
