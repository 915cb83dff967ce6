"""`onetrunk replay`: a verdict made again from its evidence."""

from __future__ import annotations

from pathlib import Path

from components.errors import EXIT_USER_ERROR
from components.evaluation.records import EVALUATION
from components.evaluation.replay import replay


def run(verdict: Path) -> int:
    """Print whether the verdict follows from the evidence beside it, or what differs, and whether other rules
    than today's have made it; the exit code.

    Raises:
        UserError: one of the two files is missing, torn or of another version.
    """
    found = replay(verdict, verdict.with_name(EVALUATION.name))
    if found.differences:
        print(
            "\n".join(
                [f"{found.other_rules or 'it does not agree'}:", *(f"  {one}" for one in found.differences)]
            )
        )
        return EXIT_USER_ERROR
    said = found.said
    print(f"{verdict}: {said.verdict} of model {said.model.sha256[:12]}, again from its evidence: they agree")
    return 0
