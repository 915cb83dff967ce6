"""Stage query: start the Bento from its final bytes and ask it one question per task."""

import signal
import sys
from pathlib import Path

from components import params
from components.evaluation.answers import ANSWERS
from components.release import signing
from components.release.query import ask
from components.stages import run


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a stopped stage stops its server too
    project = params.load()
    signing.verify(Path("bento"), Path(), project.packaging.signing)
    answers = ask(Path("bento"), project.released())
    answers.write(ANSWERS)
    for name, asked in answers.tasks.items():
        print(f"{name}: {asked.question} -> {asked.answer}")


if __name__ == "__main__":
    run(main)
