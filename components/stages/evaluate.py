"""Stage evaluate: metrics with intervals, against baselines and the champion on the same rows."""

import sys
from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main() -> None:
    from components import params
    from components.evaluation import evaluate
    from components.evaluation.champion import Opponent
    from components.files import sha256
    from components.release import registry

    candidate = sha256(Path("models/multitask/model.safetensors"))
    named = registry.named_champion(candidate)
    folder = registry.open_champion(named) if named else None
    project = params.load()
    champion = Opponent(folder, named, project.evaluation.renamed) if named and folder else None
    evaluate.evaluate(project, Path(), champion, lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    restart_tuned()
    run(main)
