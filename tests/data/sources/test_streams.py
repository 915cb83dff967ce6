"""What is read twice is a file: a pipe, which would be waited for without end, is refused by a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from components.data.propose.places import locate
from components.data.sources import formats
from components.errors import UserError
from components.settings.data import Source
from flows.predicting.opening import open_table


def proposed(path: str) -> object:
    with locate(path) as place:
        return place


def opened(path: str) -> object:
    with ExitStack() as stack:
        return open_table(path, stack)


def rows(path: str) -> object:
    return list(formats.read(Source(path=path, format="csv"), {"text": "text"}))


@pytest.mark.parametrize("read", [proposed, opened, rows], ids=["propose", "predict", "ingest"])
@pytest.mark.timeout(20)
def test_a_pipe_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("in.csv")
    with pytest.raises(UserError, match=r"in\.csv: is a pipe or a device, expected a file; write what comes"):
        read("in.csv")
