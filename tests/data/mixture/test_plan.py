"""The plan says what the run draws: what it counts is what the draws give, whatever the mixture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from components import params
from components.data.encoding.encode import encode
from components.data.encoding.reading import READING, Reading
from components.data.encoding.scripts import Unfamiliar
from components.data.encoding.split import EncodedSplit
from components.data.ingest.ingest import ingest
from components.data.mixture import plan as planning
from components.errors import UserError
from components.settings.project import Project
from tests.conftest import PARAMS
from tests.data.mixture.drawn import ENCODED, draws

CURRICULUM = {
    "start": {"method": "fixed_ratio", "ratio": {"mood": 8, "people": 1, "closeness": 1}},
    "end": {"method": "uniform"},
    "until": 0.5,
}
MIXTURES = [
    {"method": "temperature", "temperature": 2.0, "cap": 50},
    {"method": "round_robin"},
    {"method": "alternating", "blocks": {"people": 1, "mood": 3, "closeness": 2}},
    {"method": "curriculum", "curriculum": CURRICULUM},
    {"method": "uniform", "auxiliary": {"mood": {"start": 0.5, "until": 0.5}}},
    {"method": "dynamic", "dynamic": {"start": {"method": "uniform"}}},
    {
        "method": "uniform",
        "easy_first": {"mood": {"by": "length"}, "closeness": {"by": "length", "until": 1}},
    },
]


def project_with(mixture: dict) -> Project:
    settings_file = Path("params.yaml")
    settings_file.write_text(
        yaml.safe_dump({**yaml.safe_load(settings_file.read_text()), "mixture": mixture})
    )
    return params.load()


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_the_run_draws_what_the_plan_counts_and_spends_its_tokens() -> None:
    for mixture in MIXTURES:
        whole = planning.plan(project_with(mixture), ENCODED, {})
        plan, splits, steps = draws(whole)
        assert sum(task.share for task in whole.tasks.values()) == pytest.approx(1)
        tokens = 0
        for name, task in whole.tasks.items():
            rows = np.concatenate([step[name] for step in steps if name in step])
            assert len(rows) == task.rows_drawn
            assert len(rows) == pytest.approx(plan.steps * plan.rows_per_step * task.share, abs=1)
            tokens += int(splits[name].tokens[rows].sum())
        assert tokens == pytest.approx(12_000, rel=0.05), mixture


@pytest.mark.slow
@pytest.mark.parametrize("mixture", MIXTURES, ids=lambda mixture: mixture["method"])
@pytest.mark.usefixtures("encoded_project")
def test_shares_of_tokens_are_shares_of_what_the_run_reads(mixture: dict) -> None:
    whole = planning.plan(project_with({**mixture, "unit": "tokens"}), ENCODED, {})
    _, splits, steps = draws(whole)
    tokens = {
        name: sum(int(splits[name].tokens[step[name]].sum()) for step in steps if name in step)
        for name in whole.tasks
    }
    assert sum(tokens.values()) == pytest.approx(12_000, rel=0.05)
    for name, task in whole.tasks.items():
        assert tokens[name] / sum(tokens.values()) == pytest.approx(task.share, abs=0.03)


BUDGETS = [
    ("{method: epochs, epochs: 0.5, of: smallest}", "smallest", 0.5),
    ("{method: epochs, epochs: 2}", "largest", 2.0),
    ("{method: epochs, epochs: 1.5, of: people}", "people", 1.5),
    ("{method: auto, epochs: 2}", "largest", 2.0),
    ("auto", "largest", 3.0),
]


@pytest.mark.parametrize(("budget", "task", "epochs"), BUDGETS)
@pytest.mark.parametrize("unit", ["rows", "tokens"])
@pytest.mark.usefixtures("encoded_project")
def test_a_budget_of_epochs_gives_the_task_so_many(budget: str, task: str, epochs: float, unit: str) -> None:
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("tokens: 12000", f"budget: {budget}"))
    whole = planning.plan(project_with({**MIXTURES[0], "unit": unit}), ENCODED, {})
    rows = {name: found.rows for name, found in whole.tasks.items()}
    task = {"largest": max(rows, key=rows.__getitem__), "smallest": min(rows, key=rows.__getitem__)}.get(
        task, task
    )
    assert whole.tasks[task].epochs == pytest.approx(epochs, rel=1 / whole.steps)  # steps are whole
    assert whole.cooldown == (0.25 if "auto" in budget else None)
    drawn = sum(found.rows_drawn for found in whole.tasks.values())
    assert whole.rows_per_step == pytest.approx(drawn / whole.steps, rel=0.05)


@pytest.mark.usefixtures("encoded_project")
def test_a_budget_of_minutes_is_what_the_machine_reads_in_them() -> None:
    settings = Path("params.yaml")
    settings.write_text(
        settings.read_text().replace("tokens: 12000", "budget: {method: minutes, minutes: 2}")
    )
    whole = planning.plan(params.load(), ENCODED, {}, lambda project, draft: 0.01)
    assert whole.steps * 300 == pytest.approx(12_000, abs=150)


@pytest.mark.usefixtures("encoded_project")
def test_tasks_that_take_turns_over_more_steps_than_a_draft_have_their_shares_of_it() -> None:
    """closeness, the smallest, has a step that no draft of a thousand would reach."""
    settings = Path("params.yaml")
    budget = "budget: {method: epochs, epochs: 40, of: closeness}"
    settings.write_text(settings.read_text().replace("tokens: 12000", budget))
    blocks = {"mood": 700, "people": 700, "closeness": 1}
    whole = planning.plan(project_with({"method": "alternating", "blocks": blocks}), ENCODED, {})
    assert whole.tasks["closeness"].epochs == pytest.approx(40, rel=0.05)


@pytest.mark.usefixtures("encoded_project")
def test_a_machine_is_timed_though_a_draft_draws_no_row_of_a_task() -> None:
    settings = Path("params.yaml")
    settings.write_text(
        settings.read_text().replace("tokens: 12000", "budget: {method: minutes, minutes: 4000}")
    )
    ratio = {"mood": 1, "people": 1, "closeness": 0.00002}
    project = project_with({"method": "fixed_ratio", "ratio": ratio})
    drafts = []
    whole = planning.plan(project, ENCODED, {}, lambda _, draft: drafts.append(draft) or 0.01)
    assert drafts[0].tasks["closeness"].rows_drawn == 0 < whole.tasks["closeness"].rows_drawn


@pytest.mark.usefixtures("encoded_project")
@pytest.mark.parametrize(
    ("key", "budget"),
    [
        ("budget", "budget: {method: epochs, epochs: 1.0e+9}"),
        ("budget", "budget: {method: minutes, minutes: 1.0e+30}"),
        ("tokens", "tokens: 1000000000000000000"),
    ],
)
def test_a_run_that_nobody_sees_the_end_of_is_refused(key: str, budget: str) -> None:
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("tokens: 12000", budget))
    with pytest.raises(
        UserError, match=rf"params\.yaml: training\.{key}: allows .* expected 1,000,000,000 at"
    ):
        planning.plan(params.load(), ENCODED, {}, pace=lambda *_: 0.01)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (
            "{method: epochs, epochs: 1, of: moood}",
            r"training\.budget\.of: no task 'moood' \(did you mean 'mood'",
        ),
        ("{method: epochs, epochs: 1, passes: 2}", "training.budget.passes"),
        ("{method: epoch}", "training.budget: unknown method 'epoch' \\(did you mean 'epochs'"),
        ("{method: tokens, tokens: 9}\n  tokens: 9000", "training: found both `tokens` and `budget`"),
    ],
)
@pytest.mark.usefixtures("encoded_project")
def test_a_budget_that_is_none_is_one_sentence(budget: str, said: str) -> None:
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("tokens: 12000", f"budget: {budget}"))
    with pytest.raises(UserError, match=said):
        planning.plan(params.load(), ENCODED, {})


@pytest.mark.usefixtures("encoded_project")
@pytest.mark.parametrize(
    "budget",
    ["{method: tokens, tokens: 100}", "{method: epochs, epochs: 0.01}", "{method: minutes, minutes: 0.01}"],
)
def test_a_budget_of_less_than_a_step_is_one_sentence(budget: str) -> None:
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("tokens: 12000", f"budget: {budget}"))
    said = r"training\.budget: allows \d+ tokens, less than half a step; expected more, or .*per_step \(it is 300\)"
    with pytest.raises(UserError, match=said):
        planning.plan(params.load(), ENCODED, {}, pace=lambda *_: 0.01)


@pytest.mark.usefixtures("encoded_project")
def test_what_the_encoder_does_not_see_stands_in_the_plan() -> None:
    cyrillic = Unfamiliar(script="CYRILLIC", letters=0.9, unknown=0.0, at_a_time=1.0, usual=6.0)
    Reading(rows=100, rows_cut=7, tokens=1000, unknown_tokens=30, unfamiliar=[cyrillic]).write(
        ENCODED / "people" / READING
    )
    whole = planning.plan(params.load(), ENCODED, {})
    people, mood = whole.tasks["people"], whole.tasks["mood"]
    assert (people.cut, people.unknown, people.unfamiliar) == (0.07, 0.03, [cyrillic])
    assert (mood.cut, mood.unknown, mood.unfamiliar) == (0.0, 0.0, [])


@pytest.mark.usefixtures("encoded_project")
def test_a_budget_of_epochs_counts_the_rows_that_may_be_drawn_of_released_tasks() -> None:
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("tokens: 12000", "budget: {method: epochs, epochs: 3}"))
    auxiliary = {"method": "uniform", "auxiliary": {"mood": {"start": 0.2, "end": 0.2}}}
    ids = {name: EncodedSplit(ENCODED / name / "train.arrow").ids() for name in ("people", "closeness")}
    left_out = {"people": ids["people"][:20], "closeness": ids["closeness"][:50]}
    whole = planning.plan(project_with(auxiliary), ENCODED, left_out)
    usable = {name: task.usable for name, task in whole.tasks.items()}
    assert max(usable, key=usable.__getitem__) == "mood"  # the largest, and there for the others' sake
    assert whole.tasks["people"].epochs == pytest.approx(3, rel=1 / whole.steps)


@pytest.mark.usefixtures("encoded_project")
def test_rows_that_are_left_out_do_not_count_for_the_mean_length() -> None:
    split = EncodedSplit(ENCODED / "people/train.arrow")
    long = split.tokens > np.median(split.tokens)
    left_out = [identity for identity, is_long in zip(split.ids(), long, strict=True) if is_long]
    task = planning.plan(params.load(), ENCODED, {"people": left_out}).tasks["people"]
    assert task.mean_tokens == pytest.approx(split.tokens[~long].mean())
    assert task.mean_tokens < split.tokens.mean()


@pytest.mark.usefixtures("encoded_project")
def test_tokens_and_a_budget_of_tokens_are_one_plan() -> None:
    before = planning.plan(params.load(), ENCODED, {})
    settings = Path("params.yaml")
    text = settings.read_text().replace("tokens: 12000", "budget: {method: tokens, tokens: 12000}")
    settings.write_text(text)
    assert planning.plan(params.load(), ENCODED, {}) == before


@pytest.mark.usefixtures("encoded_project")
def test_a_curriculum_ends_with_its_last_mixture_and_an_auxiliary_task_with_nothing() -> None:
    _, _, steps = draws(planning.plan(project_with(MIXTURES[3]), ENCODED, {}))
    first, last = (
        [sum(len(step.get(name, ())) for step in part) for name in ("mood", "people", "closeness")]
        for part in (steps[:4], steps[20:])
    )
    assert first[0] > 4 * first[1]
    assert np.ptp(last) <= 2
    _, _, steps = draws(planning.plan(project_with(MIXTURES[4]), ENCODED, {}))
    assert "mood" in steps[0] and not any("mood" in step for step in steps[21:])


@pytest.mark.usefixtures("encoded_project")
def test_short_rows_come_first_and_excluded_ones_never() -> None:
    split = EncodedSplit(ENCODED / "mood/train.arrow")
    held_out = split.ids()[:5]
    _, _, steps = draws(planning.plan(project_with(MIXTURES[6]), ENCODED, {"mood": held_out}))
    early = np.concatenate([step["mood"] for step in steps[:4]])
    late = np.concatenate([step["mood"] for step in steps[20:]])
    assert split.lengths[early].max() <= np.quantile(split.lengths, 0.4)
    assert split.lengths[late].max() == split.lengths[5:].max()
    assert not set(np.concatenate([early, late])) & set(range(5))


@pytest.mark.slow
def test_the_difficulty_of_a_row_is_a_column_of_its_source(tiny_project: Path) -> None:
    settings_file = yaml.safe_load(Path("params.yaml").read_text())
    settings_file["tasks"]["closeness"]["columns"]["difficulty"] = "score"
    Path("params.yaml").write_text(yaml.safe_dump(settings_file))
    project = project_with({"method": "uniform", "easy_first": {"closeness": {"by": "difficulty"}}})
    for name, task in project.tasks.items():
        ingest(name, task, project.seed, Path("data") / name)
        encode(Path("data") / name, Path("encoder/tokenizer.json"), ENCODED / name)
    _, splits, steps = draws(planning.plan(project, ENCODED, {}))
    difficulty = splits["closeness"].difficulty("difficulty")
    early = np.concatenate([step["closeness"] for step in steps[:4] if "closeness" in step])
    assert difficulty[early].max() <= np.quantile(difficulty, 0.35)


@pytest.mark.usefixtures("encoded_project")
def test_a_run_that_draws_no_row_of_a_task_is_refused() -> None:
    ratio = {"mood": 100_000, "people": 1, "closeness": 1}
    project = project_with({"method": "fixed_ratio", "ratio": ratio})
    with pytest.raises(
        UserError, match="mixture: a run of 40 steps draws no row of closeness; expected a larger"
    ):
        planning.plan(project, ENCODED, {})


@pytest.mark.usefixtures("encoded_project")
def test_a_run_that_cannot_show_every_class_is_refused() -> None:
    """One row shows one class: 300 rows cannot show 500."""
    card = Path("encoded/mood/task.json")
    told = json.loads(card.read_text())
    told["heads"]["mood"]["facts"]["labels"] = [f"class {n}" for n in range(500)]
    card.write_text(json.dumps(told))
    project = project_with({"method": "uniform"})
    with pytest.raises(
        UserError, match=r"the run draws \d+ rows of mood, which has 500 classes, so some are"
    ):
        planning.plan(project, ENCODED, {})


@pytest.mark.usefixtures("tiny_project")
@pytest.mark.parametrize(("each", "refused"), [(1, True), (4, False)])
def test_a_row_of_several_labels_shows_as_many_classes(each: int, refused: bool) -> None:
    """8 rows cannot show 30 labels where a row has one; they can where one has four."""
    rows = [
        {"text": f"good plane {n}", "labels": [f"label {(n + m) % 30}" for m in range(each)]}
        for n in range(150)
    ]
    Path("sources/l.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = yaml.safe_load(PARAMS)
    task = {
        **{key: settings["tasks"]["mood"][key] for key in ("splits", "cleaning", "max_length", "example")},
        "family": "multi_label",
        "source": {"path": "sources/l.jsonl", "format": "jsonl"},
        "columns": {"text": "text", "labels": "labels"},
        "gate": {"metric": "micro_f1", "floor": 0.0, "margin": 0.5},
    }
    settings |= {
        "tasks": {"l": task},
        "training": {**settings["training"], "tokens": 60, "tokens_per_step": 30},
    }
    project = params.validated(settings, Path("params.yaml"))
    ingest("l", project.tasks["l"], project.seed, Path("data/l"))
    encode(Path("data/l"), Path("encoder/tokenizer.json"), Path("encoded/l"))
    if refused:
        with pytest.raises(UserError, match="of l, which has 30 classes, so some are never shown"):
            planning.plan(project, ENCODED, {})
    else:
        assert planning.plan(project, ENCODED, {}).tasks["l"].rows_drawn < 30
