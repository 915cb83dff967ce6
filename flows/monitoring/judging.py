"""What the watch over the service's traffic judges, whether the flow or the command asks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from components.monitoring.traffic import judging
from components.monitoring.traffic.records import Window
from components.params.checks.traffic import find
from components.settings.project import Project
from flows.monitoring import heard


def judge(root: Path, project: Project) -> list[Window]:
    """Judge what has ended -> those windows; where only accepted feedback is watched, there are none.

    Raises:
        UserError: nothing is to be watched, or a file of what was recorded is damaged.
    """
    if project.traffic is None and project.retrain is not None and project.retrain.accepted_rows:
        return []
    surges_share = project.monitor is not None and project.monitor.alpha is None
    today, feedback = datetime.now(UTC).date(), heard.feedback(root, project)
    return judging.judge_windows(root, find(project), today, feedback, beside=int(surges_share))
