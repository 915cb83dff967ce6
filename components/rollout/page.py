"""The page of a release's evaluation, with what became of the release in traffic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.files import atomic_file
from components.pages import render
from components.rollout.records import TrialReport

TEMPLATE = Path(__file__).with_name("page.html.jinja")
END = "</main>"  # of every page


def write(target: Path, evaluated: Path, trials: Sequence[TrialReport]) -> None:
    """Write the page to `target`: that of an evaluation, which stays as it was, and below it these trials."""
    page = evaluated.read_text(encoding="utf-8")
    end = page.rfind(END) if END in page else len(page)
    section = render.render(TEMPLATE, version=trials[0].candidate, trials=trials)
    with atomic_file(target) as temporary:
        temporary.write_text(f"{page[:end]}{section}{page[end:]}", encoding="utf-8")
