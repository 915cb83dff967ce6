"""Stage curves: what training went through, as a page and as the files that `dvc plots` reads."""

from pathlib import Path

from components.stages import run
from components.tracking import Run, page
from components.tracking.loggers.dvclive import DVCLive
from components.training.run.records import TRAINING, TrainingReport


def main() -> None:
    report = TrainingReport.read(TRAINING)
    evaluations = [entry.model_dump() for entry in report.evaluations]
    page.write_page(Path("reports/training.html"), evaluations, report.metrics)
    live = DVCLive(Path("reports"))
    live.start(Run("training", evaluations[-1]["step"], history=evaluations))
    live.stop()


if __name__ == "__main__":
    run(main)
