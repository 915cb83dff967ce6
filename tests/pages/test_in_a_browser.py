"""The pages in a real browser: nothing is cut on a phone, and the service's page does what it says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from dvc_render.html import HTML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route

from flows import init
from serving import pages as service
from tests.pages import drawn
from tests.pages.browser import Tab, needs_browser, tab
from tests.pages.served import CARD, EXAMPLE, packed, served_with

pytestmark = [needs_browser, pytest.mark.slow]
CLASSES = {f"class-{n:02}": (n + 1) / 1378 for n in range(52)}
ANSWERS: dict[str, Any] = {
    "sentiment": {"label": "<b>good</b>", "probability": 0.9123456789012345},
    "news_topic": {"label": "class-51", "probabilities": CLASSES},
    "ner": {"entities": [{"type": "PER", "text": "Ada", "start": 0, "end": 3}], "tokens": []},
    "bought": {"probability": 0.5},
}
WORDS = [
    {"field": "text", "text": "\N{FACE WITH TEARS OF JOY}", "start": 0, "end": 1, "weight": -0.25},
    {"field": "text", "text": "Ada", "start": 2, "end": 5, "weight": 0.5},
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Tab]:
    with tab() as one:
        yield one


class Service:
    """The service's own page before a stand-in for the model, which answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.status, self.left = 200, 0
        self.go = threading.Event()
        self.go.set()
        self.end = threading.Event()  # a text may end
        routes = [
            Route(f"/{name}", getattr(self, name), methods=["POST"])
            for name in ("predict", "stream", "explain")
        ]
        app = Starlette(routes=[*routes, Mount("/", service.app)])
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    async def predict(self, request: Request) -> JSONResponse:
        import anyio

        asked = await request.json()
        self.asked.append(asked["texts"][0])
        await anyio.to_thread.run_sync(self.go.wait)
        if self.status != 200:
            return JSONResponse({"error": "texts[0]: the text is empty"}, self.status)
        body = {"version": "1", "answers": [self.answers(asked)]}
        return JSONResponse(body, headers={"X-Onetrunk-Release": "v1.2.0"})

    def answers(self, asked: Any) -> dict[str, Any]:
        """Those of the tasks that are asked, or read such a text."""
        tasks, fields = service.served().card.tasks, list(asked["texts"][0])
        fitting = [name for name, task in tasks.items() if task.inputs == fields]
        return {name: ANSWERS[name] for name in asked.get("tasks", fitting)}

    async def stream(self, request: Request) -> StreamingResponse:
        asked = await request.json()
        self.asked.append(asked["texts"][0])
        return StreamingResponse(self.lines(asked), media_type="application/x-ndjson")

    async def lines(self, asked: Any) -> AsyncIterator[str]:
        """A text in parts, some of them cut within a line; where the answer is, when the test lets it go."""
        try:
            for text in ("A c\u00f4t\u00e9", "A c\u00f4t\u00e9 <b>of</b>"):
                line = json.dumps({"so_far": {"summary": {"text": text, "complete": False}}}) + "\n"
                yield line[:9]
                yield line[9:]
            while not self.end.is_set():
                await asyncio.sleep(0.01)
            if self.status == 200:
                yield json.dumps({"version": "2", "answers": [self.answers(asked)]}) + "\n"
            else:
                yield json.dumps({"error": "the service failed"}) + "\n"
        except asyncio.CancelledError:
            self.left += 1
            raise

    async def explain(self, request: Request) -> JSONResponse:
        (task,) = (await request.json())["tasks"]
        return JSONResponse({"version": "1", "explanations": {task: {"support": 0.9, "words": WORDS}}})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}/"

    def stop(self) -> None:
        self.go.set()
        self.end.set()
        self.server.should_exit = True
        self.thread.join(timeout=20)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(service, "served", served_with)
    service.html.cache_clear()
    one = Service()
    one.thread.start()
    while not one.server.started:
        one.thread.join(timeout=0.05)
    yield one
    one.stop()
    service.html.cache_clear()


def type_text(browser: Tab, text: str, field: str = "text") -> None:
    browser.value(
        f"(() => {{ const area = document.querySelector('textarea[name={field}]'); area.value = {text!r};"
        " area.dispatchEvent(new Event('input')) })()"
    )


def submit(browser: Tab) -> None:
    browser.value("document.querySelector('form').requestSubmit()")


def answers(browser: Tab) -> str:
    return str(browser.value("document.getElementById('answers').innerText"))


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", [name for name in drawn.PAGES if name != "service"])
def test_nothing_is_cut_at_the_edge(name: str, width: int, browser: Tab, tmp_path: Path) -> None:
    """Only a matrix of eight tasks and more may scroll, within itself."""
    (tmp_path / "page.html").write_text(drawn.page(name))
    browser.open(f"file://{tmp_path / 'page.html'}", width)
    browser.value("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.value("document.documentElement.scrollWidth") <= width
    too_wide = """[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)
        .filter(one => one.querySelectorAll('.matrix thead th').length < 8).length"""
    assert browser.value(too_wide) == 0
    tall = "[...document.querySelectorAll('.badge')].filter(one => one.offsetHeight > 48).length"
    assert browser.value(tall) == 0  # beside a reason of several lines
    touching = """[...document.querySelectorAll('.card + .packed, .packed + .card')].filter(one =>
        one.getBoundingClientRect().top - one.previousElementSibling.getBoundingClientRect().bottom < 8).length"""
    assert browser.value(touching) == 0
    unmarked = """[...document.querySelectorAll('*')].filter(one => one.scrollHeight > one.clientHeight + 1
        && getComputedStyle(one).overflowY === 'auto' && getComputedStyle(one).backgroundImage === 'none').length"""
    assert browser.value(unmarked) == 0  # what scrolls shows that there is more


@pytest.mark.parametrize("name", ["validation", "evaluation, REJECT", "training", "comparison"])
def test_a_report_can_be_read_without_a_mouse_or_eyes(name: str, browser: Tab, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(drawn.page(name))
    browser.open(f"file://{tmp_path / 'page.html'}", 400, dark=True)
    browser.value("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.violations() == []


@pytest.mark.parametrize(("width", "apart"), [(400, 40), (1400, 8)])
def test_a_value_stands_beside_its_label(width: int, apart: int, browser: Tab, tmp_path: Path) -> None:
    """Below it on a phone."""
    for name in ("evaluation, REJECT", "comparison"):
        (tmp_path / "page.html").write_text(drawn.page(name))
        browser.open(f"file://{tmp_path / 'page.html'}", width)
        distances = browser.value("""[...document.querySelectorAll('.strip')].flatMap(strip => {
            const middle = one => { const box = one.getBoundingClientRect(); return (box.top + box.bottom) / 2; };
            const labels = [...strip.querySelectorAll('.label')].filter(one => one.textContent);
            const numbers = [...strip.querySelectorAll('.number')].filter(one => one.textContent);
            return [...strip.querySelectorAll('.track')].flatMap((track, row) =>
                [middle(track) - middle(labels[row]), middle(track) - middle(numbers[row])]);
        })""")
        assert distances
        assert all(-8 <= distance <= apart for distance in distances), (name, distances)


def test_light_and_dark_follow_the_system(browser: Tab, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(drawn.page("training"))
    grounds = []
    for dark in (False, True):
        browser.open(f"file://{tmp_path / 'page.html'}", dark=dark)
        grounds.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(246, 247, 248)", "rgb(20, 23, 28)"]


def test_answers_are_rounded_sorted_folded_and_escaped(browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    type_text(browser, "Ada moved to Turin.")
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length === 3")
    seen = answers(browser)
    assert "0.912" in seen and "0.9123" not in seen
    assert "<b>good</b>" in seen
    assert "tokens" not in seen  # it is empty, and entities are not
    assert seen.index("class-51\n") < seen.index("class-50\n") < seen.index("class-47")
    assert "class-46" not in seen and "and 47 more" in seen
    assert browser.problems == []  # no 404 for an icon either


@pytest.mark.parametrize("text", ["[1]", '{"a": 1}', "null", "42", " [ not JSON"])
def test_a_text_is_sent_as_it_was_typed(text: str, browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    type_text(browser, text)
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length === 3")
    assert served.asked == [{"text": text}]


def test_a_structured_input_is_asked_for_as_json(browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    type_text(browser, "socks")
    browser.value(
        "(() => { const kind = document.getElementById('kind'); kind.selectedIndex = 1; kind.onchange() })()"
    )
    assert browser.value("document.querySelector('textarea[name=text]').value") == "socks"  # kept
    assert "categorical (as JSON)" in browser.value("document.querySelector('form').innerText")
    type_text(browser, "no json", "categorical")
    submit(browser)
    assert browser.value("document.querySelector('textarea[name=categorical]').validationMessage").startswith(
        "This is not"
    )
    assert served.asked == []
    type_text(browser, '{"brand": "acme"}', "categorical")
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length === 1")
    assert served.asked == [{"text": "socks", "categorical": {"brand": "acme"}}]


def test_busy_then_errors_take_the_place_of_old_answers(browser: Tab, served: Service) -> None:
    browser.open(f"{served.url}?text=a%20question%20in%20a%20link")
    browser.until("document.querySelectorAll('#answers section').length === 3")
    assert served.asked == [{"text": "a question in a link"}]
    served.go.clear()
    submit(browser)
    browser.until("!document.querySelector('.busy').hidden")
    assert answers(browser) == ""
    assert browser.value("document.querySelector('button').disabled")
    served.go.set()
    browser.until("document.querySelector('.busy').hidden")
    served.status = 400
    submit(browser)
    browser.until("document.querySelector('[role=alert]')?.innerText === 'texts[0]: the text is empty'")
    assert browser.value("document.querySelectorAll('#answers section').length") == 0
    served.status = 200
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length === 3")
    served.stop()
    submit(browser)
    browser.until(
        "document.querySelector('[role=alert]')?.innerText.startsWith('The service cannot be reached')"
    )
    assert browser.value("document.querySelectorAll('#answers section').length") == 0
    assert not browser.value("document.querySelector('button').disabled")
    browser.problems.clear()


def asked_of(browser: Tab, served: Service, text: str) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    type_text(browser, text)
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length > 0")


def test_entities_are_marked_in_the_text(
    browser: Tab, served: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offsets count code points, whatever JavaScript counts; a text is never HTML."""
    found = {"type": "PER", "text": "Ada", "start": 2, "end": 5}
    monkeypatch.setitem(ANSWERS, "ner", {"entities": [found], "tokens": []})
    asked_of(browser, served, "\N{FACE WITH TEARS OF JOY} Ada <b>moved</b>")
    assert browser.value("document.querySelector('#answers mark').innerText") == "AdaPER"
    assert "<b>moved</b>" in browser.value("document.querySelector('#answers .marked').innerText")


def test_a_passage_is_marked_in_its_context(
    browser: Tab, served: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = CARD.model_copy(update={"tasks": {"answered": packed("span", ["question", "context"])}})
    monkeypatch.setattr(service, "served", lambda: served_with(card))
    monkeypatch.setattr(
        f"{__name__}.ANSWERS", {"answered": {"answer": "Turin", "start": 9, "end": 14, "score": 2.5}}
    )
    browser.open(f"{served.url}?question=where&context=Ada%20is%20%F0%9F%98%82%20Turin")
    browser.until("document.querySelectorAll('#answers section').length === 1")
    assert browser.value("document.querySelector('#answers mark').innerText") == "Turin"


WRITTEN = {"summary": packed("generation", ["text"]), "sentiment": packed("classification", ["text"])}
WRITING = "document.querySelector('#answers [aria-busy] p')?.innerText"


@pytest.fixture
def writes(served: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service with a task that writes, which does not end until the test lets it."""
    card = CARD.model_copy(update={"tasks": WRITTEN})
    monkeypatch.setattr(service, "served", lambda: served_with(card))
    monkeypatch.setitem(ANSWERS, "summary", {"text": "A side of it", "complete": True})
    return served


def test_a_text_is_seen_to_grow_beside_an_answer_that_is_there(browser: Tab, writes: Service) -> None:
    asked_of(browser, writes, "Ada")
    browser.until(f"{WRITING} === 'A c\u00f4t\u00e9 <b>of</b>'")
    browser.until("document.querySelector('#answers > :nth-child(2)').innerText.includes('good')")
    assert browser.value("document.querySelectorAll('#answers [aria-busy]').length") == 1
    writes.end.set()
    browser.until("document.querySelectorAll('#answers .who').length === 1")
    assert browser.value("document.querySelectorAll('#answers [aria-busy]').length") == 0
    sections = browser.value("[...document.querySelectorAll('#answers section')].map(one => one.innerText)")
    assert "A side of it" in sections[0]
    assert "good" in sections[1]
    assert "Bento 1, 2" in answers(browser)  # both that answered


def test_what_fails_while_it_is_written_is_said(browser: Tab, writes: Service) -> None:
    writes.status = 500
    browser.open(writes.url)
    browser.until("!document.querySelector('button').disabled")
    browser.value("document.querySelector('input[value=sentiment]').click()")
    type_text(browser, "Ada")
    submit(browser)
    browser.until(f"{WRITING} === 'A c\u00f4t\u00e9 <b>of</b>'")
    writes.end.set()
    browser.until("document.querySelector('[role=alert]') !== null")
    assert browser.value("document.querySelector('[role=alert]').innerText") == "the service failed"
    assert browser.value("document.querySelectorAll('#answers [aria-busy]').length") == 0
    assert not browser.value("document.querySelector('button').disabled")


def test_who_asks_anew_or_leaves_hears_no_more_of_what_was_asked_before(
    browser: Tab, writes: Service
) -> None:
    asked_of(browser, writes, "Ada")
    browser.until(f"{WRITING} === 'A c\u00f4t\u00e9 <b>of</b>'")
    browser.value("document.getElementById('example').click()")
    browser.until(f"{WRITING} === 'A c\u00f4t\u00e9 <b>of</b>'")
    wait_for(lambda: writes.left > 0)
    assert writes.left == 1
    assert browser.value(WRITING) == "A c\u00f4t\u00e9 <b>of</b>"  # the second goes on
    browser.open(writes.url)
    wait_for(lambda: writes.left > 1)
    assert writes.left == 2


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_only_the_tasks_that_are_picked_are_asked(browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    type_text(browser, "Ada")
    browser.value("document.querySelector('input[value=news_topic]').click()")
    submit(browser)
    browser.until("document.querySelectorAll('#answers section').length === 2")
    for name in ("sentiment", "ner"):
        browser.value(f"document.querySelector('input[value={name}]').click()")
    assert browser.value("document.querySelector('button').disabled")


def test_an_example_of_a_task_is_a_click_away(browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    browser.value("document.getElementById('example').click()")
    browser.until("document.querySelectorAll('#answers section').length === 3")
    assert served.asked == [EXAMPLE]
    assert "Release v1.2.0 (Bento 1)" in answers(browser)


def test_the_code_asks_what_the_page_asks(browser: Tab, served: Service) -> None:
    asked_of(browser, served, 'Ada\'s "flat"\n$HOME')
    curl = browser.value("document.getElementById('curl').textContent")
    subprocess.run(["bash", "-c", f"{curl} --silent --noproxy '*'"], check=True, capture_output=True)
    exec(browser.value("document.getElementById('python').textContent"), {"print": lambda one: None})  # noqa: S102
    assert served.asked == [{"text": 'Ada\'s "flat"\n$HOME'}] * 3


def test_why_shades_the_words_and_says_which(browser: Tab, served: Service) -> None:
    asked_of(browser, served, "\N{FACE WITH TEARS OF JOY} Ada moved")
    assert browser.value("document.querySelectorAll('#answers .why').length") == 2  # not of entities
    browser.value("document.querySelector('#answers .why button').click()")
    browser.until("document.querySelector('#answers .for')?.innerText === 'Ada'")
    assert browser.value("document.querySelector('#answers .against').innerText") == WORDS[0]["text"]
    assert "For the answer: Ada (+0.500). Against it: " in answers(browser)


@pytest.mark.parametrize("modifiers", [2, 4], ids=["Ctrl", "Meta"])
def test_enter_with_a_key_held_asks(modifiers: int, browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("!document.querySelector('button').disabled")
    browser.value("document.querySelector('textarea[name=text]').focus()")
    browser.send("Input.insertText", text="Ada")
    press(browser, "Enter")  # alone it is a line's end
    assert browser.value("document.querySelector('textarea[name=text]').value") == "Ada\n"
    press(browser, "Enter", modifiers)
    browser.until("document.querySelectorAll('#answers section').length === 3")
    assert [one["text"].strip() for one in served.asked] == ["Ada"]


def press(browser: Tab, key: str, modifiers: int = 0) -> None:
    """Press and let go of a key; `modifiers` as Chromium counts those that are held: 2 is Ctrl, 4 is Meta."""
    given = {"key": key, "code": key, "windowsVirtualKeyCode": 13, "modifiers": modifiers, "text": "\r"}
    for what in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=what, **given)


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_the_page_fits_a_phone_and_can_be_used_without_a_mouse_or_eyes(
    width: int, dark: bool, browser: Tab, served: Service
) -> None:
    """What axe finds, in the page with answers and reasons."""
    browser.open(f"{served.url}?text=Ada", width, dark)
    browser.until("document.querySelectorAll('#answers section').length === 3")
    browser.value("document.querySelectorAll('details').forEach(one => { one.open = true })")
    browser.value("document.querySelectorAll('#answers .why button').forEach(one => one.click())")
    browser.until("document.querySelectorAll('#answers .for').length === 2")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.violations() == []


def test_dvcs_page_of_plots_is_not_blank_without_a_network(browser: Tab, tmp_path: Path) -> None:
    """As DVC fills it, with a library that does not come."""
    page = HTML((Path(init.__file__).parent / "project/plots.html").read_text())
    page.with_scripts('<script src="missing.js"></script>').with_element(
        "<script>vegaEmbed('#a', {})</script>"
    )
    (tmp_path / "index.html").write_text(page.embed())
    browser.open(f"file://{tmp_path / 'index.html'}")
    assert browser.value("document.body.innerText").startswith("DVC draws these plots with a library from")
    assert browser.value("document.querySelector('a').getAttribute('href')") == "../reports/training.html"
    browser.problems.clear()
