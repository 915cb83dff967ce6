"""What holds for every page, and what each of them shows of synthetic reports with awkward names."""

from __future__ import annotations

import itertools
import re

import pytest

from components.pages.render import HERE, count, short
from tests.pages import drawn, samples
from tests.pages.reading import Page, loaded, words

STYLE = (HERE / "style.css").read_text().rstrip()
NAMES = list(drawn.PAGES)
REPORTS = [name for name in NAMES if name != "service"]


@pytest.mark.parametrize("name", NAMES)
def test_every_page_holds_the_one_stylesheet_and_no_other(name: str) -> None:
    html = drawn.page(name)
    assert html.count("<style>") == 1
    assert STYLE in html


@pytest.mark.parametrize("name", NAMES)
def test_no_page_loads_anything(name: str) -> None:
    html = drawn.page(name)
    assert loaded(html) == []
    assert html.count("<script>") == (1 if name == "service" else 0)
    links = {str(link["href"]) for link in Page(html).every("a")}
    inside = {"training.html", "tasks", "metadata", "docs.json", "operate"}
    assert {link for link in links if not link.startswith("#")} <= inside


@pytest.mark.parametrize("name", NAMES)
def test_every_page_says_its_language_title_and_width(name: str) -> None:
    html = drawn.page(name)
    page = Page(html)  # and is well formed
    assert page.every("html") == [{"lang": "en"}]
    assert re.search(r"<title>[^<]+ · Onetrunk</title>", html)
    metas = {meta.get("name"): meta.get("content") for meta in page.every("meta")}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"
    assert page.every("link")[0]["href"].startswith("data:image/svg+xml;base64,")


@pytest.mark.parametrize("name", NAMES)
def test_headings_come_in_order_and_every_drawing_has_a_name(name: str) -> None:
    page = Page(drawn.page(name))
    levels = page.headings()
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for drawing in page.every("svg"):
        assert drawing.get("aria-hidden") or drawing.get("aria-label")


@pytest.mark.parametrize("name", REPORTS)
def test_a_hostile_name_is_shown_and_not_obeyed(name: str) -> None:
    html = drawn.page(name)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert not re.search(r'"quoted"(?! &amp;)', html)  # in an attribute it would end the value


def test_links_within_a_page_lead_somewhere() -> None:
    for name in REPORTS:
        page = Page(drawn.page(name))
        places = {attributes.get("id") for _, attributes in page.elements}
        targets = {str(link["href"])[1:] for link in page.every("a") if str(link["href"]).startswith("#")}
        assert targets <= places, name


# --- the palette ----------------------------------------------------------------------------------------


def palette(dark: bool) -> dict[str, str]:
    light, after = STYLE.split("@media screen and (prefers-color-scheme: dark)", maxsplit=1)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", after)) if dark else {})


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_wcag_asks_for(dark: bool) -> None:
    colours = palette(dark)
    text = [(one, ground) for one in ("ink", "soft", "accent") for ground in ("page", "card")]
    states = [
        (state, ground) for state in ("pass", "warning", "error") for ground in ("card", f"{state}-wash")
    ]
    on_washes = [("ink", f"{wash}-wash") for wash in ("note", "error", "warning")] + [("soft", "track")]
    for one, ground in text + states + on_washes + [("card", "accent"), ("error", "page")]:
        assert contrast(colours[one], colours[ground]) >= 4.5, (one, ground)
    for line in (f"c{number}" for number in range(1, 9)):
        assert contrast(colours[line], colours["card"]) >= 3, line  # of drawings


# --- what a page of its own shows -------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["REJECT", "HOLD"])
def test_what_keeps_a_release_back_is_named_at_the_top(outcome: str) -> None:
    seen = words(drawn.page(f"evaluation, {outcome}"))
    first = seen[: seen.index("Intervals are")]
    gate = outcome.lower()
    assert "nothing is released." in first and "for 2 tasks" in first
    assert f"{samples.LONG} {'✕' if outcome == 'REJECT' else '!'} {gate} {samples.WHY[gate]}." in first
    assert f"onetrunk rows {samples.LONG} --wrong" in first  # and what to do next
    assert "sentiment" not in first  # it passes


def test_a_promotion_says_so_at_the_top() -> None:
    seen = words(drawn.page("evaluation, PROMOTE"))
    assert "Evaluation ✓ PROMOTE All 7 tasks hold what they must: the model may be released." in seen
    assert "nothing is released" not in seen


def test_the_floor_is_drawn_on_a_scale_beside_all_that_the_model_is_compared_with() -> None:
    html = drawn.page("evaluation, REJECT")
    assert html.count('class="limit floor" style="left:55.0%"') == 4 * len(samples.HEADS)
    seen = words(html)
    assert re.search(
        r"floor 0\.550 this model 0\.\d{3} champion 0\.\d{3} linear 0\.\d{3} trivial 0\.310", seen
    )
    assert "trivial 0.310 0.0 0.2 0.4 0.6 0.8 1.0" in seen


def test_a_task_that_was_not_measured_is_still_judged_on_the_page() -> None:
    measured = samples.evaluation()
    judged = samples.verdict("HOLD", measured)
    unmeasured = {"gate": "hold", "why": "no accuracy was measured", "value": None}
    judged.tasks["intent"] = judged.tasks["intent"].model_copy(update=unmeasured)
    del measured.tasks["intent"]
    assert "intent ! hold no accuracy was measured." in words(drawn.evaluated_from(measured, judged))


def test_every_cell_of_a_table_that_folds_says_what_it_is() -> None:
    for name in REPORTS:
        html = drawn.page(name)
        for table in re.findall(r'<table class="fold">.*?</table>', html, flags=re.DOTALL):
            assert not re.search(r"<td(?![^>]*data-label)[^>]*>[^<]", table), name


def test_one_evaluation_is_a_table_and_no_lone_dot() -> None:
    for name in ("training, one evaluation", "evaluation, HOLD"):
        html = drawn.page(name)
        during = (
            html[html.index("<h2>Validation during training") :] if name.startswith("evaluation") else html
        )
        assert "<circle" not in during and "<polyline" not in during
        assert "no curve" in during
    assert "There was one evaluation, at step 200" in words(drawn.page("evaluation, HOLD"))
    assert "slots entity_f1 " in words(drawn.page("evaluation, HOLD"))


def test_the_training_page_names_every_heads_metric() -> None:
    html = drawn.page("training")
    for metric in samples.METRICS:
        assert f">validation {metric}</text>" in html
    assert f"{samples.LONG} macro_f1" in words(html)


def test_rows_at_fault_are_named_by_place_and_beginning() -> None:
    seen = words(drawn.page("validation"))
    assert "train row 12: “ &lt;script&gt;alert" in seen
    assert "data/messages.csv: row 4711: “" in seen
    assert "Rows are counted from 0 in their split's file." in seen


def test_the_matrix_names_every_row() -> None:
    seen = words(drawn.page("comparison"))
    assert re.search(rf"1 intent .*2 slots .*4 {samples.LONG} ", seen)
    assert "! " not in seen and "✕ harms" in seen and "✓ helps" in seen


def test_structured_inputs_alone_are_asked_for_as_json() -> None:
    from serving.pages import structured

    found = structured([*drawn.TASKS, ("retrieval", ["turns"])])
    assert {kind: list(fields) for kind, fields in found.items()} == {
        "text": [],
        "text categorical": ["categorical"],
        "head relation": [],  # here a name, though another family's head is a span
        "turns": ["turns"],
    }


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (950, "950"), (1234, "1.2k"), (2000, "2k"), (34_567, "34k"), (5_000_000, "5M")],
)
def test_a_count_for_little_room(number: int, shown: str) -> None:
    assert short(number) == shown


def test_a_number_with_its_noun() -> None:
    assert (count(1, "row"), count(1200, "row"), count(0, "row")) == ("1 row", "1,200 rows", "0 rows")
