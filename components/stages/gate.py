"""Stage gate: write verdict and page; anything but PROMOTE ends the pipeline here."""

from pathlib import Path

from components import params
from components.errors import UserError
from components.evaluation import gate, page, summary
from components.evaluation.records import CHAMPION, EVALUATION, VERDICT, ChampionReport, Evaluation, identity
from components.release.registry import still_champion
from components.stages import run


def main() -> None:
    evaluation = Evaluation.read(EVALUATION)
    still_champion(identity(evaluation.champion), evaluation.model.sha256, EVALUATION)
    project = params.load()
    verdict = gate.verdict(evaluation, project.gates(), project.evaluation.without_champion)
    verdict = gate.held_back(verdict, ChampionReport.read(CHAMPION).rolled_back)
    verdict.write(VERDICT)
    page.write(Path())
    summary.write(Path())
    if verdict.verdict != "PROMOTE":
        reasons = "; ".join(verdict.reasons())
        raise UserError(f"the gate says {verdict.verdict}, nothing is packaged; {reasons}")


if __name__ == "__main__":
    run(main)
