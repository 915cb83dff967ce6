"""What params.yaml says of retraining besides the schedule: for what reasons, and how often."""

from __future__ import annotations

from typing import Annotated

from components.settings.section import Days, Positive, Rows, Section, Unit


class Retrain(Section):
    """When the watch over the traffic asks for a retraining (docs/how-to/retrain.md)."""

    alarm: bool = True  # is an alarm of the watch a reason?
    # so many rows of feedback that were accepted since the champion's release; left out, they are no reason
    accepted_rows: Rows | None = None
    cooldown_days: Days = 7  # from one that was asked for to the next
    most_a_month: Annotated[Positive, Unit("retrainings")] = 4  # that were asked for and came to an end
