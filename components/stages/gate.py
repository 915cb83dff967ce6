"""Stage gate: write verdict and page; anything but PROMOTE ends the pipeline here."""

from pathlib import Path

from components import params
from components.comparison import inputs
from components.comparison.records import REPORT as SHARING
from components.comparison.records import SharingReport
from components.errors import UserError
from components.evaluation import gate, page, summary, wear
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, identity
from components.evaluation.shown import Shared
from components.files import sha256
from components.release.registry import still_champion
from components.stages import run


def main() -> None:
    evaluation = Evaluation.read(EVALUATION)
    still_champion(identity(evaluation.champion), evaluation.model.sha256, EVALUATION)
    project = params.load()
    verdict = gate.verdict(evaluation, gate.rules_of(project), sha256(EVALUATION))
    verdict.write(VERDICT)
    wear.note(Path(), evaluation, project.evaluation.verdicts_per_test_set)
    page.write(Path(), _shared())
    summary.write(Path())
    if verdict.verdict != "PROMOTE":
        reasons = "; ".join(verdict.reasons())
        raise UserError(f"the gate says {verdict.verdict}, nothing is packaged; {reasons}")


def _shared() -> Shared | None:
    """What the last comparison has found, if there was one."""
    if not SHARING.is_file():
        return None
    found = SharingReport.read(SHARING)
    gains = {head: (one.gain, one.interval) for head, one in found.tasks.items()}
    return Shared(found.gains_sentence, gains, inputs.are_the_models(Path()))


if __name__ == "__main__":
    run(main)
