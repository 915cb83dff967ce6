"""The service's page in a real browser does what it says."""

from __future__ import annotations

import subprocess

import pytest

from serving import pages as service
from tests.pages.browser import Tab, needs_browser
from tests.pages.in_a_browser.service import ANSWERS, WORDS, Service, answers, asked_of, submit, type_text
from tests.pages.served import CARD, EXAMPLE, packed, served_with

pytestmark = [needs_browser, pytest.mark.slow]


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
    asked_of(browser, served, text)
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
        "tests.pages.in_a_browser.service.ANSWERS",
        {"answered": {"answer": "Turin", "start": 9, "end": 14, "score": 2.5}},
    )
    browser.open(f"{served.url}?question=where&context=Ada%20is%20%F0%9F%98%82%20Turin")
    browser.until("document.querySelectorAll('#answers section').length === 1")
    assert browser.value("document.querySelector('#answers mark').innerText") == "Turin"


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
