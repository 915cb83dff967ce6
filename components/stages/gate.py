"""Stage gate: write verdict and page; anything but PROMOTE ends the pipeline here."""

from pathlib import Path

from components import params
from components.errors import UserError
from components.evaluation import gate, page, summary
from components.files import read_json, write_json
from components.stages import run


def main() -> None:
    evaluation = read_json(Path("reports/evaluation.json"))
    verdict = gate.verdict(evaluation, params.load().gates())
    write_json(Path("reports/verdict.json"), verdict)
    page.write(Path())
    summary.write(Path())
    if verdict["verdict"] != "PROMOTE":
        reasons = [
            f"{name}: {task['why']}" for name, task in verdict["tasks"].items() if task["gate"] != "pass"
        ]
        raise UserError(f"the gate says {verdict['verdict']}, nothing is packaged; " + "; ".join(reasons))


if __name__ == "__main__":
    run(main)
