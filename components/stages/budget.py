"""Stage budget: what each task gets when it trains alone, from the plan."""

from pathlib import Path

from components.comparison import budget
from components.stages import run


def main() -> None:
    budget.write(Path())


if __name__ == "__main__":
    run(main)
