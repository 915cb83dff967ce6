"""Stage release: make the packaged and questioned Bento a release, and that the champion."""

from pathlib import Path

from components.evaluation import summary
from components.evaluation.records import RELEASE
from components.monitoring import retraining
from components.release import bundle, moves, registry, signing
from components.stages import run

BENTO = Path("bento")


def main() -> None:
    verdict = bundle.promoted(Path())
    signing.check(BENTO, Path())
    bundle.check_model(verdict, registry.model_of(BENTO))
    released = moves.release(BENTO, verdict, because=retraining.because(Path()))
    released.write(RELEASE)
    summary.write(Path())
    print(f"released: {released.release} (bundle {released.bundle})")


if __name__ == "__main__":
    run(main)
