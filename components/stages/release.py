"""Stage release: keep the packaged and questioned Bento as the champion."""

from pathlib import Path

from components.evaluation import summary
from components.evaluation.records import champion_of
from components.files import read_json, write_json
from components.release import bundle, registry
from components.stages import run

BENTO = Path("bento")


def main() -> None:
    verdict = bundle.promoted(Path())
    model = read_json(BENTO / registry.CARD)["model"]["sha256"]
    bundle.check_model(verdict, model)
    registry.still_champion(champion_of(verdict), model, bundle.VERDICT)
    released = registry.release(BENTO)
    write_json(Path("reports/release.json"), released)
    summary.write(Path())
    print(f"released: {released['release']}")


if __name__ == "__main__":
    run(main)
