"""Stage query: start the Bento from its final bytes and ask it one question per task."""

import signal
import sys
from pathlib import Path

from components import params
from components.files import write_json
from components.release.query import ask
from components.stages import run


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a stopped stage stops its server too
    answers = ask(Path("bento"), params.load().released())
    write_json(Path("reports/answers.json"), answers)
    for name, asked in answers.items():
        print(f"{name}: {asked['question']} -> {asked['answer']}")


if __name__ == "__main__":
    run(main)
