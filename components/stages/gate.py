"""Stage gate: write verdict and page; anything but PROMOTE ends the pipeline here."""

from pathlib import Path

from components import params
from components.errors import UserError
from components.evaluation import gate, page, summary
from components.evaluation.records import champion_of
from components.files import read_json, write_json
from components.release.registry import still_champion
from components.stages import run

EVALUATION = Path("reports/evaluation.json")


def main() -> None:
    evaluation = read_json(EVALUATION)
    still_champion(champion_of(evaluation), evaluation["model"]["sha256"], EVALUATION)
    project = params.load()
    verdict = gate.verdict(evaluation, project.gates(), project.evaluation.without_champion)
    write_json(Path("reports/verdict.json"), verdict)
    page.write(Path())
    summary.write(Path())
    if verdict["verdict"] != "PROMOTE":
        reasons = "; ".join(gate.reasons(verdict))
        raise UserError(f"the gate says {verdict['verdict']}, nothing is packaged; {reasons}")


if __name__ == "__main__":
    run(main)
