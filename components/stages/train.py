"""Stage train: the multi-task model from the plan, the encoded tasks and the encoder."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main() -> None:
    from components import settings
    from components.training import run as training
    from components.training.progress import Progress

    training.run(settings.load(), Path(), Progress())


if __name__ == "__main__":
    restart_tuned()
    run(main)
