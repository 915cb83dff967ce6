"""Stage gate: write verdict and page; anything but PROMOTE ends the pipeline here."""

from pathlib import Path

from components import params
from components.errors import UserError
from components.evaluation import gate, page, summary, wear
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, identity
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
    page.write(Path())
    summary.write(Path())
    if verdict.verdict != "PROMOTE":
        reasons = "; ".join(verdict.reasons())
        raise UserError(f"the gate says {verdict.verdict}, nothing is packaged; {reasons}")


if __name__ == "__main__":
    run(main)
