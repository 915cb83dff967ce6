"""The process in which `onetrunk check` times a handful of training's steps."""

from pathlib import Path

from components.environment import restart_tuned


def main() -> None:
    """Write .onetrunk/speed.json of the project in the current folder."""
    from components import params
    from components.data.mixture.records import PLAN, PlanRecord
    from components.training.run import speed

    speed.measured(params.load(), Path(), PlanRecord.read(PLAN))


if __name__ == "__main__":
    restart_tuned()
    main()
