"""Stage champion: which releases the candidate is compared with, reports/champion.json, and on which files
besides the tasks' rows.

The registry changes with every release, so it is no dependency of DVC's; this file changes only where the
answer does (docs/decisions/0002).
"""

from pathlib import Path

from components import params
from components.evaluation import gates
from components.evaluation.records import CHAMPION, ChampionReport, describe
from components.files import read_json
from components.release import registry
from components.stages import run


def main() -> None:
    manifest = read_json(Path("models/multitask/manifest.json"))
    model = manifest["files"]["model.safetensors"]["sha256"]
    champion = registry.champion(model)
    ChampionReport(
        champion=champion,
        anchors=registry.anchors(champion),
        rolled_back=registry.rolled_back(model),
        files=gates.files(params.load().evaluation.gates, Path()),
    ).write(CHAMPION)
    print(f"to compare with: {describe(champion)}")


if __name__ == "__main__":
    run(main)
