"""Stage alone: each head of one task trained alone, with each seed of sharing.seeds."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main(task: str) -> None:
    from components import params
    from components.comparison import runs

    runs.alone(params.load(), Path(), task)


if __name__ == "__main__":
    restart_tuned()
    run(main)
