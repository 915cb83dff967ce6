"""Stage baseline@TASK: the trivial and the linear baseline's predictions of the test rows."""

from pathlib import Path

from components.evaluation import baselines
from components.stages import run


def main(name: str) -> None:
    baselines.baselines(Path("data") / name, Path("baselines") / name)


if __name__ == "__main__":
    run(main)
