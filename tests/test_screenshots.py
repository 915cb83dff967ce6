"""docs/make_screenshots.py: the pictures of the README, or one sentence about what is missing."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluation.answers import Answers, Exchange
from tests.pages.browser import needs_browser
from tests.scripts import script

screenshots = script("docs/make_screenshots.py")


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="chromium is not installed"):
        screenshots.main()


def test_without_a_run_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "find_browser", lambda: "chromium")
    with pytest.raises(UserError, match=r"validation\.html: no such file; run `onetrunk run` first"):
        screenshots.main(tmp_path)
    for name in screenshots.REPORTS:
        (tmp_path / "reports").mkdir(exist_ok=True)
        (tmp_path / f"reports/{name}.html").touch()
    with pytest.raises(UserError, match="bento: no such folder"):
        screenshots.main(tmp_path)


def test_a_text_alone_is_asked_of_the_service(tmp_path: Path) -> None:
    asked = {"a": {"text": "x", "text_pair": "y"}, "b": {"text": "z"}}
    tasks = {name: Exchange(question=question, answer={}) for name, question in asked.items()}
    Answers(tasks=tasks).write(tmp_path / "reports/answers.json")
    assert screenshots.question(tmp_path) == {"text": "z"}


@pytest.mark.slow
@needs_browser
def test_a_picture_has_its_size(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>A page</h1>")
    address = (tmp_path / "page.html").as_uri()
    screenshots.take(screenshots.find_browser(), address, 600, tmp_path / "pictures/page.png")
    head = (tmp_path / "pictures/page.png").read_bytes()[16:24]
    assert struct.unpack(">II", head) == (screenshots.WIDTH, 600)


def test_the_pictures_in_the_repository_are_small() -> None:
    pictures = list(screenshots.PICTURES.glob("*.png"))
    assert {picture.stem for picture in pictures} >= {
        "validation",
        "training",
        "evaluation",
        "service",
        "operation",
    }
    for picture in pictures:
        assert picture.stat().st_size <= 150 * 1024, picture
