"""What a model costs, measured in a process of its own: `python -m serving.measure FOLDER`.

It loads the folder as the service does and says "ready". Then, for every line of questions that it reads, it
says how many seconds it took to answer them; for an empty line, the most memory that it has had, in bytes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from serving.predictor import Predictor


class Asked(BaseModel):
    """The fields of a question, whatever they are."""

    model_config = ConfigDict(extra="allow")


def main(folder: str) -> None:
    predictor = Predictor(Path(folder))
    _say("ready")
    for line in sys.stdin:
        _say(_seconds(predictor, json.loads(line)) if line.strip() else _peak())


def _seconds(predictor: Predictor, questions: list[dict[str, Any]]) -> float:
    """Of answering all of them, one after the other: {"heads": [...], "question": {...}}."""
    start = time.perf_counter()
    for one in questions:
        predictor.predict([Asked(**one["question"])], one["heads"])
    return time.perf_counter() - start


def _peak() -> int:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
