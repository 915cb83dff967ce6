"""`onetrunk replay`: a verdict made again from its evidence."""

from __future__ import annotations

from pathlib import Path

from components.errors import EXIT_USER_ERROR
from components.evaluation.records import EVALUATION, Verdict
from components.evaluation.replay import differences


def run(verdict: Path) -> int:
    """Print whether the verdict follows from the evidence beside it, or what differs; the exit code.

    Raises:
        UserError: one of the two files is missing, torn or of another version.
    """
    found = differences(verdict, verdict.with_name(EVALUATION.name))
    if found:
        print("\n".join(["it does not agree:", *(f"  {line}" for line in found)]))
        return EXIT_USER_ERROR
    said = Verdict.read(verdict)
    print(f"{verdict}: {said.verdict} of model {said.model.sha256[:12]}, again from its evidence: they agree")
    return 0
