"""Stage curves: what training went through, as a page and as the files that `dvc plots` reads."""

from pathlib import Path
from typing import cast

from components.files import atomic_folder
from components.stages import run
from components.tracking import Run, page
from components.tracking.loggers.dvclive import DVCLive
from components.training.run.records import TRAINING, TrainingReport
from components.training.run.state import Entry


def main() -> None:
    report = TrainingReport.read(TRAINING)
    evaluations = [cast("Entry", one.model_dump(exclude_none=True)) for one in report.evaluations]
    page.write_page(Path("reports/training.html"), evaluations, report.metrics)
    with atomic_folder(Path("reports/dvclive")) as folder:
        live = DVCLive(folder)
        live.start(Run("training", evaluations[-1]["step"], history=evaluations))
        live.stop()
        for file in (folder / "dvclive").iterdir():
            file.rename(folder / file.name)
        (folder / "dvclive").rmdir()


if __name__ == "__main__":
    run(main)
