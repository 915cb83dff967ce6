"""Stage compress@NAME: a smaller encoder of the model that was trained, in models/compressed/NAME."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main(name: str) -> None:
    from components import params
    from components.compression.distil import distil
    from components.settings.compression import COMPRESSED

    project = params.load()
    assert project.compress.student is not None  # noqa: S101 dvc.yaml has a stage of each that is named
    distil(project.compress.student, Path(), project.seed, COMPRESSED / name, print)


if __name__ == "__main__":
    restart_tuned()
    run(main)
