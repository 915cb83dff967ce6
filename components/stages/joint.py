"""Stage joint: the whole plan with each seed of sharing.seeds, to compare with the tasks alone."""

from pathlib import Path

from components.environment import restart_tuned
from components.stages import run


def main() -> None:
    from components import params
    from components.comparison import runs

    runs.joint(params.load(), Path())


if __name__ == "__main__":
    restart_tuned()
    run(main)
