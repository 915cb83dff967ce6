"""Stage release: make the packaged and questioned Bento a release, and that the champion."""

import os
from datetime import UTC, datetime
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
    released = moves.release(BENTO, verdict, because=_because())
    released.write(RELEASE)
    summary.write(Path())
    print(f"released: {released.release} (bundle {released.bundle})")


def _because() -> str | None:
    """What the run of this stage answers; by hand, without a run, all that is open."""
    now = datetime.now(UTC)
    began = os.environ.get(retraining.BEGAN)
    return retraining.reason(Path(), datetime.fromisoformat(began) if began else now, now)


if __name__ == "__main__":
    run(main)
