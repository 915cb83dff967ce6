"""Stage train: the multi-task model from the plan, the encoded tasks and the encoder."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main() -> None:
    from components import params, tracking
    from components.training.run import fit as training

    project = params.load()
    training.run(project, Path(), tracking.build(project.logging, Path()))


if __name__ == "__main__":
    restart_tuned()
    run(main)
