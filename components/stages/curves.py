"""Stage curves: what training went through, as a page and as the files that `dvc plots` reads."""

from pathlib import Path

from components.files import read_json
from components.stages import run
from components.tracking import Run, page
from components.tracking.loggers.dvclive import DVCLive


def main() -> None:
    record = read_json(Path("reports/training.json"))
    evaluations = record["evaluations"]
    page.write_page(Path("reports/training.html"), evaluations, record["metrics"])
    live = DVCLive(Path("reports"))
    live.start(Run("training", evaluations[-1]["step"], history=evaluations))
    live.stop()


if __name__ == "__main__":
    run(main)
