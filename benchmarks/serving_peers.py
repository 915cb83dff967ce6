"""What `benchmarks.serving` measures beside the service, each in a process of its own:

`python -m benchmarks.serving_peers BUNDLE PORT`: a plain FastAPI app over the same model, one text a request,
as most people write it; `POST /predict` answers every task, `POST /TASK` one, as a pipeline of its own would.

`python -m benchmarks.serving_peers BUNDLE`: no service. For every line, a list of texts, it says how many
seconds it took to answer them, in batches sorted by length and by the products that the service uses; for a
line with a file of them, how many `onetrunk predict --input FILE --output FILE` took without Python's start.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from flows.predicting.file import run as predict
from serving.predictor import UNLIMITED, Predictor


class Texts(BaseModel):
    """A request's body."""

    texts: list[str]
    tasks: list[str] | None = None


def app(bundle: Path) -> Any:
    """The plain app."""
    from fastapi import FastAPI

    predictor, plain = Predictor(bundle), FastAPI()

    @plain.post("/predict")
    async def predict(asked: Texts) -> dict[str, Any]:
        found = predictor.predict(asked.texts, asked.tasks)
        return {"answers": [{task: answer.model_dump() for task, answer in one.items()} for one in found]}

    @plain.post("/{task}")
    async def pipeline(task: str, asked: Texts) -> dict[str, Any]:
        found = predictor.predict(asked.texts, [task])
        return {"answers": [one[task].model_dump() for one in found]}

    return plain


def bare(bundle: Path) -> None:
    """Answer lines of texts in this process."""
    predictor = Predictor(bundle)
    predictor.limits = UNLIMITED
    predictor.warm_up()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        start = time.perf_counter()
        if isinstance(asked, list):
            predictor.predict(asked)
        else:
            answer_file(bundle, Path(asked["file"]))
        print(json.dumps(time.perf_counter() - start), flush=True)


def answer_file(bundle: Path, file: Path) -> None:
    """As the command does, the model read and the output written."""
    target = file.with_suffix(".answers.jsonl")
    target.unlink(missing_ok=True)
    predict(file.parent, bundle, str(file), str(target), None, {})


def start(bundle: str, port: str = "") -> None:
    torch.set_num_threads(1)
    if not port:
        bare(Path(bundle))
        return
    import uvicorn

    uvicorn.run(app(Path(bundle)), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    start(*sys.argv[1:])
