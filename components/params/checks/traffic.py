"""The section on a service's traffic."""

from __future__ import annotations

from components.errors import UserError
from components.settings.project import Project
from components.settings.traffic import Traffic


def find(project: Project) -> Traffic:
    """What params.yaml says of the traffic.

    Raises:
        UserError: it says nothing.
    """
    if project.traffic is None:
        raise UserError(
            "params.yaml: traffic: missing; `traffic: {}` has the service record what it is asked "
            "(docs/how-to/traffic.md)"
        )
    return project.traffic
