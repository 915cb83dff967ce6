"""Stage start@champion: what the coming training begins with, models/start/champion.

It is always asked, for the champion changes with each release; what comes out the same leaves everything else
up to date. Of this stage there is none unless params.yaml has start.champion.
"""

from pathlib import Path

from components.monitoring import retraining
from components.stages import run


def main() -> None:
    from components import params
    from components.release import start

    asked = retraining.because(Path()) is not None
    for sentence in start.settle(params.load(), Path(), asked).sentences:
        print(sentence)


if __name__ == "__main__":
    run(main)
