"""Synthetic rows, and writers of the files that hold them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import sentence
from tests.data.shapes import (
    ROWS,
    genres,
    people,
    topic,
)

COLORS = ["red", "green", "blue"]


def raw(content: bytes) -> Callable[[Path], None]:
    """A writer of these bytes."""

    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def text(content: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    return raw(content.encode(encoding))


def csv_text(names: list[str], row: Callable[[int], list[Any]], end: str = "\r\n", **how: Any) -> str:
    """What Python's csv module writes of the rows, a spreadsheet's line ends by default."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, **how)
    writer.writerow(names)
    writer.writerows(row(n) for n in ROWS)
    return file.getvalue()


def document(rows: list[Any] | dict[str, Any], **how: Any) -> Callable[[Path], None]:
    """One JSON document."""
    return text(json.dumps(rows, ensure_ascii=False, **how))


def review(n: int) -> dict[str, Any]:
    return {"text": sentence(n), "label": topic(n)}


def stars(n: int) -> int:
    return n * 3 % 5 + 1


def number(n: int) -> float:
    return round((n * 37 % 101) / 10 - 3, 2)


def decimal(value: float) -> str:
    return str(value).replace(".", ",")


def summary(n: int) -> str:
    return " ".join(sentence(n).split()[-4:])


def article(n: int) -> str:
    return f"{sentence(n)}. {sentence(n + 40)}. {sentence(n + 80)}."


def german(n: int) -> str:
    return " ".join(f"{word}en" for word in sentence(n).split())


def triple(n: int) -> list[str]:
    return [f"entity {n % 37}", COLORS[n % 3] + "_of", f"entity {(n * 7 + n // 37) % 41}"]


def tokens(n: int) -> list[str]:
    return [word for word, _ in people(n)]


def bio(n: int) -> list[str]:
    return [tag.replace("I-", "B-") for _, tag in people(n)]


def conll_lines(columns: Callable[[int], list[list[str]]], separator: str = " ", before: str = "") -> str:
    """Sentences of one word a line."""
    blocks = [before + "\n".join(separator.join(word) for word in columns(n)) for n in ROWS]
    return "\n\n".join(blocks) + "\n"


def brackets(n: int) -> str:
    return "[" + ", ".join(repr(name) for name in genres(n)) + "]"


def nested(n: int) -> dict[str, Any]:
    return {
        "_id": {"$oid": f"5f{n:022x}"},
        "payload": {"message": {"body": sentence(n)}},
        "meta": {"label": topic(n)},
    }


def differing(n: int) -> dict[str, Any]:
    row = {"text": sentence(n), "label": topic(n)}
    return {**row, "note": "seen"} if n % 7 == 0 else row


def frame(row: Callable[[int], dict[str, Any]]) -> Callable[[Path], None]:
    """A data frame's own Parquet, with its index as a column."""

    def write(path: Path) -> None:
        import pandas as pd

        shuffled = pd.DataFrame([row(n) for n in ROWS]).sample(frac=1, random_state=1)
        shuffled.to_parquet(path)

    return write


def frame_csv(row: Callable[[int], dict[str, Any]], shuffle: bool = True) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import pandas as pd

        rows = pd.DataFrame([row(n) for n in ROWS])
        (rows.sample(frac=1, random_state=1) if shuffle else rows).to_csv(path)

    return write


def frame_json(orient: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import pandas as pd

        pd.DataFrame([review(n) for n in ROWS]).to_json(path, orient=orient)

    return write


def located_text(n: int) -> str:
    return f"{sentence(n)} says alice"


def ends(n: int) -> tuple[int, int]:
    return len(located_text(n)) - 5, len(located_text(n))


def words_in_rows() -> Callable[[Path], None]:
    """A table with one word a row, and the number of its sentence."""
    rows = [[n, word, tag] for n in ROWS for word, tag in zip(tokens(n), bio(n), strict=True)]
    return text("sentence_id,word,tag\n" + "".join(f"{n},{word},{tag}\n" for n, word, tag in rows))


def archive(members: dict[str, str]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name, content in members.items():
                file.writestr(name, content)

    return write


LABEL = {"text": "text", "label": "label"}


RAW = csv_text(["text", "label"], lambda n: [sentence(n), topic(n)])
