"""The section on right answers that callers send back."""

from __future__ import annotations

from components.errors import UserError
from components.settings.feedback import Feedback
from components.settings.project import Project


def find(project: Project) -> Feedback:
    """What params.yaml says of feedback.

    Raises:
        UserError: it says nothing.
    """
    if project.feedback is None:
        raise UserError(
            "params.yaml: feedback: missing; `feedback: {}` lets the service keep right answers "
            "(docs/how-to/feedback.md)"
        )
    return project.feedback
