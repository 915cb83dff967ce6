"""Stage release: keep the packaged and questioned Bento as the champion."""

from pathlib import Path

from components.evaluation import summary
from components.evaluation.records import RELEASE, VERDICT, identity
from components.release import bundle, registry, signing
from components.release.records import BundleCard
from components.stages import run

BENTO = Path("bento")


def main() -> None:
    verdict = bundle.promoted(Path())
    signing.check(BENTO, Path())
    model = BundleCard.read(BENTO / registry.CARD).model.sha256
    bundle.check_model(verdict, model)
    registry.still_champion(identity(verdict.champion), model, VERDICT)
    released = registry.release(BENTO, anchors=verdict.anchors)
    released.write(RELEASE)
    summary.write(Path())
    print(f"released: {released.release}")


if __name__ == "__main__":
    run(main)
