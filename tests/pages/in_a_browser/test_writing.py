"""An answer that is written word by word is seen to grow in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from serving import pages as service
from tests.pages.browser import Tab, needs_browser
from tests.pages.in_a_browser.service import ANSWERS, Service, answers, asked_of, submit, type_text
from tests.pages.served import CARD, packed, served_with

pytestmark = [needs_browser, pytest.mark.slow]


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
