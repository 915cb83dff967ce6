"""A transcript is what the Bento answered, between its markers and nowhere else. The Bento is synthetic."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from components.errors import UserError
from examples import transcript
from serving.predictor import Predictor

pytestmark = pytest.mark.minutes(0.5)

ABOVE, BELOW = "# Desk\n\nWords above.\n\n", "\n\nWords below, `{}`.\n"
QUESTIONS: list[dict[str, Any]] = [
    {"about": "One.", "request": {"texts": ["it isn't on"], "tasks": ["sentiment"]}},
    {"about": "A mistake.", "request": {"texts": []}, "status": 400},
]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "desk.md"
    path.write_text(f"{ABOVE}{transcript.START}\nold\n{transcript.END}{BELOW}")
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(QUESTIONS))
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, bento: Path, forks: None) -> Path:
    """A page whose transcript is of a served Bento."""
    folder = tmp_path_factory.mktemp("transcript")
    (folder / "questions.json").write_text(json.dumps(QUESTIONS))
    page = folder / "desk.md"
    page.write_text(f"{ABOVE}{transcript.START}\nold\n{transcript.END}{BELOW}")
    transcript.transcribe(folder / "questions.json", bento, page)
    return page


@pytest.mark.slow
def test_what_is_above_and_below_the_markers_stays_and_nothing_else_is_left(written: Path) -> None:
    assert transcript.around(written) == (ABOVE, BELOW)
    assert "old" not in written.read_text()
    assert sorted(path.name for path in written.parent.iterdir()) == ["desk.md", "questions.json"]


@pytest.mark.slow
def test_questions_can_be_pasted_and_the_answers_are_the_services(written: Path, bento: Path) -> None:
    text = written.read_text()
    bodies = re.findall(r"-d @- <<'JSON'\n(.*?)\nJSON\n", text, re.DOTALL)
    assert [json.loads(body) for body in bodies] == [exchange["request"] for exchange in QUESTIONS]
    answer, refusal = [json.loads(body) for body in re.findall(r"```json\n(.*?)\n```", text, re.DOTALL)]
    (said,) = Predictor(bento / "src/bundle").predict(["it isn't on"], ["sentiment"])
    expected, (found,) = said["sentiment"].model_dump(), answer["answers"]
    assert found["sentiment"]["label"] == expected["label"]
    assert found["sentiment"]["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
    assert refusal == {"error": "texts: found 0 texts, expected 1 to 8"}


class Broken(BaseHTTPRequestHandler):
    """A service that fails."""

    def do_POST(self) -> None:
        self.send_error(500, "out of order")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_an_answer_of_another_status_is_said() -> None:
    server = HTTPServer(("127.0.0.1", 0), Broken)
    Thread(target=server.handle_request).start()
    exchange = transcript.Exchange(about="Wrong.", request={"texts": ["a"]})
    with pytest.raises(UserError, match=r"^'Wrong\.': expected status 200, found 500 "):
        transcript.ask(f"http://127.0.0.1:{server.server_port}", exchange)
    server.server_close()


@pytest.mark.parametrize(
    "text",
    [
        "no markers",
        f"{transcript.START}\n",
        f"{transcript.END}\n",
        f"{transcript.END}\n{transcript.START}\n",
        f"{transcript.START}\n{transcript.START}\n{transcript.END}\n",
        f"{transcript.START}\n{transcript.END}\n{transcript.END}\n",
    ],
)
def test_a_page_without_a_place_for_it_is_refused(
    tmp_path: Path, page: Path, questions: Path, text: str
) -> None:
    page.write_text(text)
    with pytest.raises(UserError, match=r"desk\.md: expected one line .* and below it one line"):
        transcript.transcribe(questions, tmp_path, page)
    assert page.read_text() == text


def test_a_missing_page_and_a_missing_bento_are_said_before_anything_runs(
    tmp_path: Path, page: Path, questions: Path
) -> None:
    with pytest.raises(UserError, match="no such page"):
        transcript.transcribe(questions, tmp_path, tmp_path / "other.md")
    with pytest.raises(UserError, match="no such folder; run the example first"):
        transcript.transcribe(questions, tmp_path / "bento", page)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"questions\.json: Invalid JSON"),
        ("{}", r"questions\.json: Input should be a valid array"),
        ("[]", r"questions\.json: an empty list"),
        ('[{"about": "A."}]', r"questions\.json\[0\]\.request: Field required"),
        ('[{"about": "A.", "request": []}]', r"questions\.json\[0\]\.request: "),
        ('[{"about": "A.", "request": {}, "answer": {}}]', r"questions\.json\[0\]\.answer: Extra inputs"),
    ],
)
def test_questions_of_another_shape_get_one_sentence(questions: Path, text: str, sentence: str) -> None:
    questions.write_text(text)
    with pytest.raises(UserError, match=sentence) as error:
        transcript.read_questions(questions)
    assert "\n" not in str(error.value)


def test_of_many_labels_the_likeliest_are_shown_and_the_others_counted() -> None:
    probabilities = {name: number / 15 for number, name in enumerate("abcdef")}
    shown = transcript.shortened({"intent": {"label": "f", "level": 3, "probabilities": probabilities}})
    expected = {"f": 0.3333, "e": 0.2667, "d": 0.2, "...": 3}
    assert shown == {"intent": {"label": "f", "level": 3, "probabilities": expected}}
    assert list(shown["intent"]["probabilities"]) == list(expected)
    few = {"a": 0.5, "b": 0.25, "c": 0.125, "d": 0.125}
    assert transcript.shortened(few) == few


def test_long_json_has_lines_that_fit_and_means_the_same() -> None:
    value = {
        "answers": [{"entities": [{"type": "name", "text": "größe", "start": 1}] * 6, "label": "x" * 80}]
    }
    text = transcript.layout(value)
    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) <= transcript.WIDTH
    assert '\n        {"type": "name", "text": "größe", "start": 1},\n' in text
    assert transcript.layout({"a": [1, 2]}) == '{"a": [1, 2]}'
    inner = transcript.layout({"a": {"b": ["x" * 100]}, "c": 1})  # 109 characters, and 4 before them
    assert max(map(len, inner.splitlines())) == 108 < transcript.WIDTH
    assert transcript.shortened([0.12345, 0.5]) == [0.1235, 0.5]


def test_the_command_says_a_mistake_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        transcript.main("nope")
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        "nope/questions.json: no such file, expected the questions to ask\n"
    )
