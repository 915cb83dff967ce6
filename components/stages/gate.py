"""Stage gate: write verdict and page; anything but PROMOTE ends the pipeline here."""

from pathlib import Path

from components import params
from components.errors import UserError
from components.evaluation import gate, page, summary
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, identity
from components.files import sha256
from components.release.registry import still_champion
from components.stages import run


def main() -> None:
    evaluation = Evaluation.read(EVALUATION)
    still_champion(identity(evaluation.champion), evaluation.model.sha256, EVALUATION)
    verdict = gate.verdict(evaluation, gate.rules_of(params.load()), sha256(EVALUATION))
    verdict.write(VERDICT)
    page.write(Path())
    summary.write(Path())
    if verdict.verdict != "PROMOTE":
        reasons = "; ".join(verdict.reasons())
        raise UserError(f"the gate says {verdict.verdict}, nothing is packaged; {reasons}")


if __name__ == "__main__":
    run(main)
