"""Stage train: the multi-task model from the plan, the encoded tasks and the encoder."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main() -> None:
    from components import settings, watching
    from components.training import run as training

    project = settings.load()
    training.run(project, Path(), watching.build(project.logging, Path()))


if __name__ == "__main__":
    restart_tuned()
    run(main)
