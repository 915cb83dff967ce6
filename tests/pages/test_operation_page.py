"""The operator's page in a real browser: it says what the metrics say, and what was added since it was opened."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from components.release.variables import ROLLOUT, TRAFFIC
from serving import operation, pages
from tests.pages import operated
from tests.pages.browser import Tab, needs_browser, tab
from tests.pages.served import served_with

pytestmark = [needs_browser, pytest.mark.slow]
WHOSE = 'endpoint="{}",http_response_code="200",service_name="tiny"'


def exposition(requests: int, confident: float) -> str:
    """What a service says after so many requests, half of which took 5 to 10 ms and half 10 to 25."""
    asked, page = WHOSE.format("/predict"), WHOSE.format("/")
    half = requests // 2
    lines = [
        "# HELP bentoml_service_request_total Requests",
        f"bentoml_service_request_total{{{asked}}} {requests}.0",
        f"bentoml_service_request_total{{{page}}} 1000.0",
        f"bentoml_service_request_in_progress{{{asked}}} 3.0",
        *(
            f'bentoml_service_request_duration_seconds_bucket{{{asked},le="{le}"}} {count}.0'
            for le, count in (("0.005", 0), ("0.01", half), ("0.025", requests), ("+Inf", requests))
        ),
        f"onetrunk_pass_texts_sum {4 * requests}.0",
        f"onetrunk_pass_texts_count {requests}.0",
        'onetrunk_refused_total{reason="busy"} 7.0',
        "onetrunk_waiting_texts 5.0",
        f'onetrunk_answers_total{{task="sentiment"}} {requests}.0',
        f'onetrunk_labels_total{{task="sentiment",label="a \\"b\\", c"}} {requests}.0',
        f'onetrunk_confidence_sum{{task="sentiment"}} {requests * confident}',
        f'onetrunk_confidence_count{{task="sentiment"}} {requests}.0',
    ]
    return "\n".join(lines)


class Service:
    """The page before metrics that a test writes."""

    def __init__(self) -> None:
        self.metrics, self.ready = exposition(100, 0.9), 200
        routes = [Route("/metrics", self.said), Route("/readyz", self.state), Mount("/", pages.app)]
        self.server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    async def said(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse(self.metrics)

    async def state(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("", self.ready)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}/operate"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(pages, "served", served_with)
    monkeypatch.setattr(operation, "served", served_with)
    one = Service()
    one.thread.start()
    while not one.server.started:
        one.thread.join(timeout=0.05)
    yield one
    one.server.should_exit = True
    one.thread.join(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Tab]:
    with tab() as one:
        yield one


def texts(browser: Tab, where: str) -> list[str]:
    found: list[str] = browser.value(f"[...document.querySelectorAll('{where}')].map(one => one.innerText)")
    return found


def test_it_says_what_the_metrics_say_and_then_what_was_added(browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("document.querySelectorAll('#numbers .card').length === 4")
    numbers = texts(browser, "#numbers .card")
    assert "100 since the start, 3 in progress" in numbers[0]  # the page's own requests are none
    assert [texts(browser, "#numbers .figure")[at] for at in (1, 2, 3)] == ["5", "4", "7"]
    assert "busy: 7" in numbers[3]
    assert texts(browser, "#latency tbody tr:first-child td") == ["a request", "10 ms", "24 ms", "25 ms"]
    assert texts(browser, "#answers td") == ["sentiment", "100", "0.90", "0.90", 'a "b", c 100 %']
    served.metrics, served.ready = exposition(200, 0.8), 503
    browser.until("document.getElementById('state').innerText === 'Not ready (503).'")
    assert texts(browser, "#answers td")[:4] == ["sentiment", "100", "0.70", "0.80"]
    assert browser.value("!!document.querySelector('#numbers svg')") is False  # two looks are one rate
    browser.until("!!document.querySelector('#numbers svg')")
    browser.problems.clear()  # the 503


@pytest.fixture
def told(served: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """One that has recorded days, and that `onetrunk serve` tells of releases."""
    operated.write_history(tmp_path)
    monkeypatch.setenv(ROLLOUT, str(tmp_path))
    monkeypatch.setenv(TRAFFIC, operated.write_days(tmp_path / "traffic").model_dump_json())
    return served


def test_it_shows_who_was_champion_what_is_tried_and_what_moved(browser: Tab, told: Service) -> None:
    browser.open(told.url)
    browser.until("document.querySelectorAll('#drift tbody tr').length === 2")
    champions = texts(browser, "#champions tbody tr")
    assert [" ".join(one.split()) for one in champions] == [
        "2026-11-28 09:30 v1.2.0 release: asked for by an alarm about <b>sentiment</b> PROMOTE",
        "2026-11-20 09:30 v1.1.0 rollback: it says nonsense PROMOTE",
        "2026-11-01 09:30 v1.1.0 release PROMOTE",
    ]
    assert texts(browser, "#trying") == ["canary: v1.2.0 beside v1.1.0"]
    going, ended = (" ".join(one.split()) for one in texts(browser, "#trials tbody tr"))
    assert going.endswith("v1.2.0 canary of 5 % beside v1.1.0 running 212 90 2.1 %")
    assert "fell back: its answers differ too often" in ended
    assert "alarm characters: 94.0 instead of 42.0" in " ".join(texts(browser, "#drift tbody tr")[0].split())
    assert "feedback: sentiment is worse" in texts(browser, "#drift tbody tr")[0]
    confidence = texts(browser, "#days tbody tr:last-child td")
    assert [confidence[at] for at in (0, 2, 3)] == ["Confidence of sentiment", "0.840", "0.620"]
    assert browser.value("document.querySelectorAll('#days svg[aria-label]').length") == 4
    browser.value("document.querySelector('#champions a').click()")
    browser.until("document.querySelector('h1')?.innerText === 'How good v1.1.0 is'")
    assert browser.problems == []


def test_a_service_that_nobody_tells_says_so(browser: Tab, served: Service) -> None:
    browser.open(served.url)
    browser.until("document.querySelectorAll('caption').length === 4")
    assert texts(browser, "#champions caption") == ["Known where `onetrunk serve` runs in the project."]
    assert texts(browser, "#days caption")[0].startswith("Nothing is recorded")


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_it_fits_a_phone_and_can_be_used_without_eyes(
    width: int, dark: bool, browser: Tab, told: Service
) -> None:
    browser.open(told.url, width, dark)
    browser.until("document.querySelectorAll('#numbers .card').length === 4")
    browser.until("document.querySelectorAll('#drift tbody tr').length === 2")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.violations() == []
    assert browser.problems == []
