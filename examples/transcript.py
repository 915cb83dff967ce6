"""Write an example's transcript into its page: `make transcript NAME=...`.

    python examples/transcript.py NAME [FOLDER]

Serves the Bento of the example's project (FOLDER, else examples/NAME/project), asks it the questions of
examples/NAME/questions.json over HTTP, and writes what was asked and answered into docs/examples/NAME.md,
between two lines that hold `START` and `END`. The rest of the page stays as it is.

questions.json is a list of exchanges: {"about": "A sentence.", "request": {"texts": [...], "tasks": [...]}},
and `"status": 400` where the question is one that the service refuses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from components.errors import EXIT_USER_ERROR, UserError
from components.files import atomic_file
from components.release.query import running

ROOT = Path(__file__).resolve().parent.parent
START = "<!-- transcript: written by `make transcript`, edit questions.json instead -->"
END = "<!-- end of the transcript -->"
URL = "http://127.0.0.1:3000"  # of `onetrunk serve`, where the reader asks
WIDTH = 110
LIKELIEST = 3  # of the labels of a long answer, this many are shown


class Exchange(BaseModel):
    """A request that is sent as it stands, a sentence about it, and the HTTP status it deserves."""

    model_config = ConfigDict(extra="forbid")

    about: str
    request: dict[str, Any]
    status: int = 200


def transcribe(questions: Path, bento: Path, page: Path) -> None:
    """Ask the Bento the questions and put the transcript into the page.

    Raises:
        UserError: questions, Bento or page are not there or not as expected, or an answer has another status.
    """
    exchanges = read_questions(questions)
    around(page)  # before minutes go by
    if not bento.is_dir():
        raise UserError(f"{bento}: no such folder; run the example first, it ends with a Bento")
    with running(bento) as url:
        said = [exchange_page(exchange, ask(url, exchange)) for exchange in exchanges]
    before, after = around(page)
    text = "\n\n".join([before + START, *said, END + after])
    with atomic_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_questions(path: Path) -> list[Exchange]:
    """The exchanges of a questions.json."""
    try:
        exchanges = TypeAdapter(list[Exchange]).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, expected the questions to ask") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise UserError(f"{path}{place}: {first['msg']}, expected a list of exchanges") from None
    if not exchanges:
        raise UserError(f"{path}: an empty list, expected a list of exchanges")
    return exchanges


def around(page: Path) -> tuple[str, str]:
    """What stands before and after the page's transcript."""
    if not page.is_file():
        raise UserError(f"{page}: no such page, expected one with a line {START} and a line {END}")
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end) or START in rest or END in before + after:
        raise UserError(f"{page}: expected one line {START} and below it one line {END}")
    return before, after


def ask(url: str, exchange: Exchange) -> Any:
    """The body of the service's reply."""
    import httpx

    reply = httpx.post(f"{url}/predict", json=exchange.request, timeout=60, trust_env=False)
    if reply.status_code != exchange.status:
        found = f"{reply.status_code} {reply.text:.300}"
        raise UserError(f"'{exchange.about}': expected status {exchange.status}, found {found}")
    return reply.json()


def exchange_page(exchange: Exchange, answer: Any) -> str:
    """Markdown: the sentence, a command to paste, the answer. In a here-document quotes need no care."""
    command = f"curl -s {URL}/predict -H 'content-type: application/json' -d @- <<'JSON'"
    asked = f"```bash\n{command}\n{layout(exchange.request)}\nJSON\n```"
    return f"{exchange.about}\n\n{asked}\n\n```json\n{layout(shortened(answer))}\n```"


def shortened(value: Any) -> Any:
    """An answer for reading: numbers to four digits, and of many labels the likeliest, then how many more."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) > LIKELIEST + 1 and all(isinstance(item, float) for item in value.values()):
        likeliest = sorted(value, key=lambda name: -value[name])[:LIKELIEST]
        return {name: round(value[name], 4) for name in likeliest} | {"...": len(value) - LIKELIEST}
    return {name: shortened(item) for name, item in value.items()}


def layout(value: Any, indent: int = 0, key: str = "") -> str:
    """JSON: what fits stands on one line, what does not has a line for each of its parts."""
    line = key + json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= WIDTH or not isinstance(value, (dict, list)):
        return line
    inner = " " * (indent + 2)
    if isinstance(value, list):
        start, end, parts = "[", "]", [layout(item, indent + 2) for item in value]
    else:
        keys = [f"{json.dumps(name, ensure_ascii=False)}: " for name in value]
        parts = [layout(item, indent + 2, key) for key, item in zip(keys, value.values(), strict=True)]
        start, end = "{", "}"
    return f"{key}{start}\n{inner}" + f",\n{inner}".join(parts) + f"\n{' ' * indent}{end}"


def main(name: str, folder: str | None = None) -> None:
    example = ROOT / "examples" / name
    project = Path(folder) if folder else example / "project"
    try:
        transcribe(example / "questions.json", project / "bento", ROOT / f"docs/examples/{name}.md")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python examples/transcript.py NAME [FOLDER]")
    main(*sys.argv[1:])
