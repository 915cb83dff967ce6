"""The released model: where it is, serving it, asking it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.environment import QUIET, quiet
from components.errors import UserError
from components.evaluation.summary import brief
from components.release import registry, signing
from components.release.sections import section
from components.release.variables import FEEDBACK, RELEASE, ROLLOUT, TRAFFIC
from components.settings.feedback import Feedback
from components.settings.traffic import Traffic
from flows.running import proxies, service_home

if TYPE_CHECKING:
    from components.families.base import Prediction

CANDIDATE = Path("models/multitask")
ANSWER_SECONDS = 60.0


def find(root: Path) -> Path:
    """The champion's Bento folder, every byte of it checked.

    Raises:
        UserError: nothing has been released, or its bytes cannot be had.
    """
    return released(root)[1]


def released(root: Path) -> tuple[str, Path]:
    """The champion's semantic version, and its Bento folder like `find`."""
    found = registry.read(root)
    if found.champion is None:
        raise UserError("nothing has been released yet; run `onetrunk run`, or name a Bento with --bento")
    return found.champion.version, found.folder(found.champion)


def serve(root: Path, host: str, port: int) -> None:
    """Become BentoML's server of the project's champion (does not return), with a process beside it that
    tells it of another champion, or of a trial (docs/how-to/rollout.md).

    Raises:
        UserError: nothing has been released, or the port is taken.
    """
    from components.release.query import check_port
    from flows.rollout import service

    check_port(host, port)
    folder = service.open_folder(root)
    first = service.Service(root, folder).begin()
    command = [sys.executable, "-m", "flows.rollout.watch", str(folder)]
    subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, env={**QUIET, **os.environ})
    bento = Path(first.bundle).parents[1]
    serve_bento(bento, host, port, {RELEASE: first.release, ROLLOUT: str(folder)})


def serve_bento(bento: Path, host: str, port: int, told: Mapping[str, str] | None = None) -> None:
    """Become BentoML's server of this Bento, which is `told` by its environment what it is (does not
    return).

    Raises:
        UserError: there is no such folder, or the port is taken.
    """
    bundle(bento)
    from components.release.query import check_port, serve_command, serve_environment

    check_port(host, port)
    command = serve_command(bento, host, port)
    environment = {
        **serve_environment(service_home.make()),
        **_settings_of_service(Path.cwd()),
        **(told or {RELEASE: ""}),
    }
    os.execve(command[0], command, environment)  # noqa: S606


def _settings_of_service(root: Path) -> dict[str, str]:
    """What the settings of the project, if it is one, say of recording and feedback, for the service; what
    the environment says counts more."""
    asked = {TRAFFIC: section(root, Traffic, "traffic"), FEEDBACK: section(root, Feedback, "feedback")}
    return {
        name: said.model_copy(update={"folder": str(root / said.folder)}).model_dump_json()
        for name, said in asked.items()
        if said is not None and name not in os.environ
    }


def bundle(bento: Path) -> Path:
    """The model and its card in a Bento's folder.

    Raises:
        UserError: it is no Bento.
    """
    if not (bento / "bento.yaml").is_file():
        found = "no Bento (no bento.yaml in it)" if bento.is_dir() else "no such folder"
        raise UserError(f"{bento}: {found}; `onetrunk run` puts one into bento/")
    signing.check(bento, Path.cwd())
    return bento / registry.BUNDLE


def candidate(root: Path) -> Path:
    """The trained model that is here, whatever the gate says of it.

    Raises:
        UserError: nothing has been trained.
    """
    if not (root / CANDIDATE).is_dir():
        raise UserError(f"{CANDIDATE}: nothing has been trained yet; run `onetrunk run`")
    return root / CANDIDATE


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Prediction]:
    """Answer one text in this process, by the model in `folder`: task -> answer.

    Raises:
        UserError: the model's bytes are damaged, or the request does not fit the tasks.
    """
    quiet()
    _leave_out_sklearn()
    from serving.predictor import Predictor
    from serving.requests import BadRequestError, parse

    predictor = Predictor(folder)
    try:
        texts = parse(json.dumps(request).encode()).texts
        answers = predictor.predict(texts, request["tasks"])[0]
    except BadRequestError as error:
        raise UserError(str(error)) from None
    return {task: answer.model_dump() for task, answer in answers.items()}


def _leave_out_sklearn() -> None:
    """Transformers would import it, and pandas with it, for a way of decoding that no family uses."""
    from transformers import utils

    vars(utils)["is_sklearn_available"] = lambda: False


def ask_service(url: str, request: dict[str, Any]) -> dict[str, Prediction]:
    """Answer one text by a running service: task -> answer.

    Raises:
        UserError: it cannot be reached, or it refuses the request; or what is configured is no token.
    """
    import httpx

    proxies.spare_this_machine()
    proxies.set_socks_aside()
    headers = {"content-type": "application/json", **_headers()}
    question = json.dumps(request).encode()  # ASCII: what is half a character is the service's to refuse
    try:
        reply = httpx.post(
            f"{url.rstrip('/')}/predict", content=question, headers=headers, timeout=ANSWER_SECONDS
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UserError(f"{url}: no answer ({error}); is `onetrunk serve` running there?") from None
    return _answers(url, reply.status_code, reply.content)


def _answers(url: str, status: int, body: bytes) -> dict[str, Prediction]:
    """What a reply says: task -> answer.

    Raises:
        UserError: it is a refusal, or none of our services speaks so.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    match said:
        case {"error": str(sentence)}:
            raise UserError(f"{url}: {sentence}")
        case {"answers": [dict(answers)]} if all(isinstance(one, dict) for one in answers.values()):
            return answers
    raise UserError(f"{url}: answered {status}, and not as `onetrunk serve` does; is it a Onetrunk service?")


def _headers() -> dict[str, str]:
    """Of a question to a service: the first of its tokens, where there are any."""
    from serving import callers

    known = callers.tokens()
    return {"authorization": f"Bearer {known[0]}"} if known else {}


def show(answers: dict[str, Prediction]) -> None:
    """One line per task."""
    width = max(map(len, answers), default=0)
    for task, answer in answers.items():
        print(f"{task:{width}}  {brief(answer)}")
