"""All pages in a real browser: nothing is cut on a phone, and none needs a mouse or eyes."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc_render.html import HTML

from flows import init
from tests.pages import drawn
from tests.pages.browser import Tab, needs_browser
from tests.pages.in_a_browser.service import ANSWERS, Service

pytestmark = [needs_browser, pytest.mark.slow]


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


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (400, True)])
def test_the_page_fits_a_phone_and_can_be_used_without_a_mouse_or_eyes(
    width: int, dark: bool, browser: Tab, served: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What axe finds, in the page with answers and reasons, with a table of two tasks each."""
    monkeypatch.setitem(
        ANSWERS, "sentiment", {**ANSWERS["sentiment"], "nearest": [{"text": "Bo", "score": 0.5}]}
    )
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
