"""Stage evaluate: metrics with intervals, against baselines, champion and anchors on the same rows."""

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
    report = registry.named(candidate)
    named, anchors = report.champion, report.anchors
    project = params.load()
    opponents = {
        release.release: Opponent(
            registry.open_champion(release), release, project.evaluation.renamed, registry.bar_of(release)
        )
        for release in {one.release: one for one in (named, *anchors.values()) if one}.values()
    }
    champion = opponents[named.release] if named else None
    today = champion.today if champion else {}  # the champion's record names its tasks as it knows them
    evaluate.evaluate(
        project,
        Path(),
        champion,
        lambda text: print(text, file=sys.stderr),
        {today.get(head, head): opponents[anchor.release] for head, anchor in anchors.items()},
        report.rolled_back,
    )


if __name__ == "__main__":
    restart_tuned()
    run(main)
