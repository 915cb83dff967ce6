"""The evaluation page and its Markdown: what they say, to whom, and that they say the same."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from components.evaluation import gate, markdown, page
from components.evaluation.records import Evaluation, Finding, GateRule, Rules, Verdict
from components.evaluation.shown import Report, Shared
from components.evaluation.shown_head import ShownHead
from tests.pages import drawn, samples
from tests.pages.reading import Page, words


def reported(outcome: str = "REJECT", measured: Evaluation | None = None) -> Report:
    measured = measured or samples.evaluation()
    return Report(samples.verdict(outcome, measured), measured, samples.plan(), samples.training())


def head(name: str) -> ShownHead:
    return next(one for one in reported().heads if one.name == name)


def test_few_classes_are_a_matrix_and_fifty_are_named_by_their_largest_confusions() -> None:
    few, many = head("sentiment"), head("news_topic")
    assert few.matrix is not None
    assert [sum(row) for row in few.matrix.counts] == [90, 90, 90]
    assert few.matrix.shares[0][0] == pytest.approx(0.9)
    assert many.matrix is None
    assert len(many.mistakes) == 20
    assert (many.mistakes[0].gold, many.mistakes[0].said) == ("class-0", "class-1")
    assert many.mistakes[0].share == pytest.approx(0.1)


def test_every_table_has_a_caption_and_names_its_rows() -> None:
    html = drawn.page("evaluation, REJECT")
    tables = re.findall(r"<table.*?</table>", html, flags=re.DOTALL)
    assert len(tables) > 15
    for table in tables:
        assert re.search(r"<caption[^>]*>[^<]+", table)
        assert 'scope="col"' in table


def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name() -> None:
    focusable = [one for _, one in Page(drawn.page("evaluation, REJECT")).elements if one.get("tabindex")]
    assert focusable
    assert all(one["tabindex"] == "0" and one["role"] == "region" and one["aria-label"] for one in focusable)


def test_a_drawing_says_its_numbers_to_who_cannot_see_it() -> None:
    labels = [one["aria-label"] or "" for one in Page(drawn.page("evaluation, REJECT")).every("svg") if one.get("aria-label")]  # fmt: skip
    told = [label for label in labels if label.startswith("this model 0.")]
    assert len(told) == len(samples.HEADS)
    assert re.fullmatch(
        r"this model 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\), champion 0\.\d{3}, linear 0\.\d{3}, trivial 0\.310, "
        r"floor 0\.550",
        told[0],
    )


def test_names_in_another_direction_of_writing_keep_to_themselves() -> None:
    assert f"<bdi>{samples.RTL}</bdi>" in drawn.page("evaluation, REJECT")


def test_of_many_tasks_those_that_pass_are_folded_and_those_that_do_not_stand_open(tmp_path: Path) -> None:
    measured, judged = samples.evaluation(), samples.verdict("HOLD", samples.evaluation())
    for n in range(50):
        measured.tasks[f"task-{n}"] = measured.tasks["sentiment"]
        gate = "hold" if n == 7 else "pass"
        judged.tasks[f"task-{n}"] = judged.tasks["sentiment"].model_copy(update={"gate": gate})
    html = drawn.evaluated_from(measured, judged)
    assert len(re.findall(r'<details class="more"><summary>Where <bdi>task-', html)) == 49
    assert re.search(r'<details class="more" open><summary>Where <bdi>task-7<', html)


def test_what_sharing_has_gained_is_told_where_it_is_known(tmp_path: Path) -> None:
    measured = samples.evaluation()
    for record, name in ((measured, "evaluation"), (samples.verdict("HOLD", measured), "verdict"),
                         (samples.plan(), "plan"), (samples.training(), "training")):  # fmt: skip
        record.write(tmp_path / f"reports/{name}.json")
    gains = {"slots": (0.021, [0.01, 0.03]), "intent": (0.0, None)}
    for of_this_model, said in ((True, "data and settings of this model"), (False, "of an earlier state")):
        page.write(tmp_path, Shared("Sharing helps slots.", gains, of_this_model))
        seen = words((tmp_path / page.PAGE).read_text())
        assert said in seen
    assert "Sharing helps slots." in seen
    assert "slots +0.021 +0.010 to +0.030 intent +0.000 one seed" in seen
    assert "Did sharing" not in words(drawn.page("evaluation, HOLD"))


@pytest.mark.parametrize("outcome", ["PROMOTE", "HOLD", "REJECT"])
def test_the_markdown_says_what_the_page_says(outcome: str) -> None:
    report = reported(outcome)
    text = markdown.render(report)
    assert text.splitlines()[0].endswith(f"{outcome}: {report.headline}")
    seen = words(drawn.page(f"evaluation, {outcome}"))
    assert report.headline in seen
    for command, _ in report.next_steps:
        assert command is None or (command in text and command.replace('"', "&#34;") in seen)


def test_who_does_not_see_the_curves_is_told_where_each_begins_and_ends() -> None:
    first, *_, last = samples.training().evaluations
    seen = unescape(drawn.page("evaluation, REJECT"))
    (told,) = re.findall(r'aria-label="validation score of every head over the steps: (.*)">', seen)
    begun, ended = first.validation["intent"], last.validation["intent"]
    assert f"intent from {begun:.3f} at step {first.step:,} to {ended:.3f} at step {last.step:,}; " in told
    assert len(told.split("; ")) == len(last.validation)


def test_a_task_that_a_linear_model_does_better_on_is_named_at_the_top() -> None:
    measured = samples.evaluation()
    verdict = samples.verdict("PROMOTE", measured)
    warning = "a linear model does better on the same rows"
    judged = verdict.tasks["sentiment"].model_copy(update={"warnings": [warning]})
    verdict = verdict.model_copy(update={"tasks": {**verdict.tasks, "sentiment": judged}})
    seen = words(drawn.evaluated_from(measured, verdict))
    said = markdown.render(Report(verdict, measured, samples.plan(), samples.training()))
    assert seen.index(f"sentiment {warning}.") < seen.index("What to do next")
    assert said.index(f"- ⚠️ **sentiment**: {warning}") < said.index("| task |")
    assert warning not in words(drawn.page("evaluation, PROMOTE"))


def test_a_model_that_was_rolled_back_is_said_to_be_though_every_task_passes() -> None:
    measured = samples.evaluation()
    passed = samples.verdict("PROMOTE", measured)
    why = "released as v1.0.1 and rolled back: `onetrunk promote v1.0.1` <b>"
    held = passed.model_copy(update={"verdict": "HOLD", "withheld": why})
    html = drawn.evaluated_from(measured, held)
    assert "rolled back: <code>onetrunk promote v1.0.1</code> &lt;b&gt;" in html
    said = words(html)
    text = markdown.render(Report(held, measured, samples.plan(), samples.training()))
    for seen in (said, text.replace("*", "")):
        assert "The model is withheld, whatever was measured: nothing is released." in seen
        assert re.search("the model as a whole (!|⏸️)? ?hold", seen)
        assert "released as v1.0.1 and rolled back" in seen


def test_a_finding_is_shown_as_the_verdict_judges_it() -> None:
    """By its limit it passes; the loss against the champion is what holds it, or is shown."""
    measured, found = samples.evaluation(), []
    for difference, low in ((-0.01, -0.09), (-0.2, -0.25), (0.01, -0.02)):
        against = {"value": 0.9, "difference": difference, "interval": [low, 2 * difference - low], "p": 1e-9}
        one = {"gate": "slices", "what": f"part {low}", "rows": 90, "value": 0.8, "interval": [0.7, 0.9]}
        found.append(Finding.model_validate({**one, "champion": {**against, "low": low}, "margin": 0.06}))
    alone = found[0].model_copy(update={"champion": None, "margin": None})
    measured.tasks["intent"] = measured.tasks["intent"].model_copy(update={"findings": [*found, alone]})
    rule = GateRule(metric="accuracy", floor=0.1, margin=0.03)
    judged = gate.verdict(measured, Rules(gates={"intent": rule}, shown_loss=1 / 3, anchor_margin=2.0))
    report = Report(judged, measured, samples.plan(), samples.training())
    shown = next(head for head in report.heads if head.name == "intent").findings
    assert [one.outcome for one in shown] == ["hold", "reject", "pass", "not judged"]
    assert shown[0].why == "a loss beyond the margin 0.06 cannot be excluded"


def test_a_hostile_name_breaks_no_row_of_the_markdown() -> None:
    rows = [line for line in markdown.render(reported()).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(samples.HEADS)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {len(markdown.COLUMNS) + 1}
    assert markdown.text("a|b `c`\n<i>") == r"a\|b \`c\` \<i\>"


def test_a_comment_calls_nobody_who_is_named_in_a_label_and_shows_all_of_it() -> None:
    """GitHub looks for people and issues in what it shows, and reads formulas, entities and strokes."""
    given = "@team, see #12 for $5 and $6, ~~old~~ &lt;b&gt; :smile: a @ b"
    said = markdown.text(given)
    assert not re.search(r"@\w|#\d", said)
    shown = MarkdownIt("gfm-like", {"linkify": False}).renderInline(said)
    assert unescape(shown.replace("<!-- -->", "")) == given


def test_of_a_first_release_nothing_is_said_to_have_come_or_gone() -> None:
    measured = samples.evaluation(champion=False)
    seen = words(drawn.evaluated_from(measured, samples.verdict("PROMOTE", measured)))
    assert "there is nothing that rows could have come or gone since" in seen
    assert "unknown" not in seen


def test_what_came_and_went_in_the_test_sets_is_said_where_it_is_known() -> None:
    measured = samples.evaluation()
    against = measured.tasks["intent"].metrics["accuracy"].champion
    since = {"come": 1234, "gone": 56, "trained_on": 7, "learnt_come": 89}
    changed = against.model_validate({**against.model_dump(), "since": since})
    measured.tasks["intent"].metrics["accuracy"] = (
        measured.tasks["intent"].metrics["accuracy"].model_copy(update={"champion": changed})
    )
    seen = words(drawn.evaluated_from(measured, samples.verdict("HOLD", measured)))
    assert "intent 23,456 89 unknown 1,200 3,400 1,234 56 7" in seen
    assert "slots 23,456 unknown unknown 1,200 3,400 unknown unknown unknown" in seen


def test_a_head_that_the_champion_alone_answers_is_named(tmp_path: Path) -> None:
    measured = samples.evaluation()
    verdict = Verdict.model_validate({**samples.verdict("HOLD", measured).model_dump(), "dropped": {"gone": "the champion answers it"}})  # fmt: skip
    assert "gone ! hold the champion answers it." in words(drawn.evaluated_from(measured, verdict))
