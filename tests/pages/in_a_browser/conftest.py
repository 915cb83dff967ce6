"""A browser, and a page that is served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serving import pages as service
from tests.pages.browser import Tab, tab
from tests.pages.in_a_browser.service import Service
from tests.pages.served import served_with


@pytest.fixture(scope="module")
def browser() -> Iterator[Tab]:
    with tab() as one:
        yield one


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
