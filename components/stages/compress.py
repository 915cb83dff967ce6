"""Stage compress@NAME: a smaller encoder of the model that was trained, in models/compressed/NAME."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main(name: str) -> None:
    from components import params
    from components.compression import pruned, student
    from components.settings.compression import COMPRESSED

    project = params.load()
    own, target = project.compress, COMPRESSED / name  # dvc.yaml has a stage of each that is named
    if name == "student" and own.student is not None:
        student.make(own.student, Path(), project.seed, target, print)
    if name == "pruned" and own.pruned is not None:
        pruned.make(own.pruned, Path(), project.seed, target, print)


if __name__ == "__main__":
    restart_tuned()
    run(main)
