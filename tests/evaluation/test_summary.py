"""reports/summary.json says what the reports say, and never more."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.errors import UserError
from components.evaluation import summary, wear

MODEL = "ab" * 32


def metric(value: float) -> dict[str, Any]:
    return {
        "value": value,
        "interval": [value - 0.02, value + 0.02],
        "trivial": 0.4,
        "linear": 0.6,
        "over_trivial": [0.1, 0.2],
        "over_linear": [0.1, 0.2],
        "champion": None,
    }


def head(task: str, **values: Any) -> dict[str, Any]:
    return {"task": task, "family": "classification", "classes": [], **values}


def judged(**values: Any) -> dict[str, Any]:
    return {"floor": 0.1, "margin": 0.02, **values}


def of_model(**values: Any) -> dict[str, Any]:
    """What evaluation and verdict begin with."""
    model = {"sha256": MODEL}
    return {"schema_version": 1, "model": model, "champion": None, "confidence": 0.95, **values}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Synthetic reports of a promoted and packaged run."""
    reports = {
        "evaluation": of_model(
            tasks={
                "mood": head(
                    "mood",
                    rows={"train": 800, "validation": 100, "test": 100},
                    share=0.7,
                    metrics={"accuracy": metric(0.8), "macro_f1": metric(0.7)},
                ),
                "names": head(
                    "names",
                    rows={"train": 40, "validation": 5, "test": 5},
                    share=0.3,
                    metrics={"entity_f1": metric(0.5)},
                ),
            },
        ),
        "verdict": of_model(
            verdict="PROMOTE",
            tasks={
                "mood": judged(gate="pass", why="above its floor", metric="accuracy", value=0.8),
                "names": judged(gate="pass", why="no | worse", metric="entity_f1", value=0.5),
            },
            dropped={},
        ),
        "release": {"schema_version": 1, "release": "r1", "model": MODEL, "verdict": "PROMOTE"},
        "answers": {
            "schema_version": 1,
            "tasks": {
                "mood": {
                    "question": {"text": "Best flight [of] my life, " * 9},
                    "answer": {
                        "label": "good",
                        "probability": 0.912345,
                        "probabilities": {"good": 0.9, "bad": 0.1},
                    },
                },
                "names": {
                    "question": {"text": "Ada in Turin"},
                    "answer": {"entities": [{"type": "PER", "text": "Ada", "start": 0, "end": 3}]},
                },
            },
        },
    }
    (tmp_path / "reports").mkdir()
    (tmp_path / "bento").mkdir()
    for name, report in reports.items():
        (tmp_path / "reports" / f"{name}.json").write_text(json.dumps(report))
    return tmp_path


def change(root: Path, report: str, **values: Any) -> None:
    file = root / "reports" / f"{report}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def shown(content: Any, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(content)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_fixed_keys_hold_what_the_reports_say(root: Path) -> None:
    written = summary.write(root)
    assert written.model_dump() == json.loads((root / "reports/summary.json").read_text())
    assert (written.verdict, written.bento) == ("PROMOTE", "bento")
    assert written.tasks["mood"].model_dump() == {
        "rows": 1000,
        "share": 0.7,
        "metric": "accuracy",
        "value": 0.8,
        "interval": [0.78, 0.8200000000000001],
        "baseline": 0.4,
        "linear_baseline": 0.6,
        "gate": "pass",
        "why": "above its floor",
        "warnings": [],
        "remarks": [],
        "served": None,
    }


def test_the_same_reports_give_the_same_bytes(root: Path) -> None:
    summary.write(root)
    first = (root / "reports/summary.json").read_bytes()
    summary.write(root)
    assert (root / "reports/summary.json").read_bytes() == first


def test_without_promotion_no_bento_is_named(root: Path) -> None:
    change(root, "verdict", verdict="HOLD")
    assert summary.write(root).bento is None


def test_a_bento_of_another_model_is_not_named(root: Path) -> None:
    change(root, "release", model="cd" * 32)
    assert summary.write(root).bento is None


@pytest.mark.parametrize("missing", ["bento", "reports/release.json"])
def test_a_bento_that_is_not_there_or_not_released_is_not_named(root: Path, missing: str) -> None:
    (root / missing).rmdir() if (root / missing).is_dir() else (root / missing).unlink()
    assert summary.write(root).bento is None


@pytest.mark.parametrize("missing", ["evaluation", "verdict"])
def test_a_missing_report_is_one_sentence(root: Path, missing: str) -> None:
    (root / f"reports/{missing}.json").unlink()
    with pytest.raises(UserError, match=f"reports/{missing}.json: no such file"):
        summary.write(root)


def test_a_discarded_summary_is_gone_and_may_be_discarded_again(root: Path) -> None:
    summary.write(root)
    summary.discard(root)
    summary.discard(root)
    assert not (root / "reports/summary.json").exists()


def test_people_see_tasks_answers_and_the_next_commands(root: Path) -> None:
    text = shown(summary.render(summary.write(root), root))
    for part in (
        "Verdict: PROMOTE",
        "1,000",
        "70%",
        "value [interval]",
        "0.800 [0.780, 0.820]",
        "pass",
        "label good, probability 0.91",
        "entities PER Ada",
        "Best flight [of] my life",
        "reports/summary.json",
        "onetrunk serve",
        'onetrunk predict "..."',
        "onetrunk status",
    ):
        assert part in text
    assert "reports/validation.html" not in text  # not there, so not named
    assert max(map(len, text.splitlines())) <= 120


def test_how_many_models_each_test_set_has_judged_is_told(root: Path) -> None:
    assert "has judged" not in shown(summary.render(summary.write(root), root))
    evaluation = json.loads((root / "reports/evaluation.json").read_text())
    evaluation["tasks"]["mood"]["test_set"] = "rows"
    change(root, "evaluation", tasks=evaluation["tasks"])
    judged_by = wear.ServedTestSet(tasks=["mood"], models=["a", "b", MODEL])
    wear.ServedSets(budget=50, sets={"rows": judged_by}).write(root / wear.FILE)
    found = summary.write(root)
    assert {name: task.served for name, task in found.tasks.items()} == {"mood": 3, "names": None}
    assert "Models that each test set has judged: mood 3\n" in shown(summary.render(found, root))


def test_a_held_release_is_not_offered_for_serving(root: Path) -> None:
    change(root, "verdict", verdict="HOLD")
    text = shown(summary.render(summary.write(root), root))
    assert "Verdict: HOLD" in text
    assert "onetrunk serve" not in text


def test_where_a_linear_model_does_better_the_summary_says_so(root: Path) -> None:
    judged = json.loads((root / "reports/verdict.json").read_text())
    judged["tasks"]["mood"]["warnings"] = ["a linear model does better"]
    change(root, "verdict", **judged)
    written = summary.write(root)
    assert written.tasks["mood"].warnings == ["a linear model does better"]
    assert "mood: a linear model does better" in shown(summary.render(written, root))


def test_a_task_that_was_not_measured_is_held_by_the_verdict_and_left_out(root: Path) -> None:
    verdict = json.loads((root / "reports/verdict.json").read_text())
    lost = judged(gate="hold", why="no accuracy was measured", metric="accuracy", value=None)
    change(root, "verdict", verdict="HOLD", tasks={**verdict["tasks"], "lost": lost})
    written = summary.write(root)
    assert written.verdict == "HOLD"
    assert set(written.tasks) == {"mood", "names"}


def test_all_that_keeps_a_model_back_is_shown_though_every_measured_task_passes(root: Path) -> None:
    """A model that was rolled back, a finding of the model as a whole, a task that was not measured."""
    verdict = json.loads((root / "reports/verdict.json").read_text())
    lost = judged(gate="hold", why="no accuracy was measured", metric="accuracy", value=None)
    slow = {"gate": "cost", "what": "latency", "rows": 0, "value": -3.0, "interval": [-3.0, -3.0]}
    change(root, "evaluation", findings=[{**slow, "outcome": "hold", "why": "3 times the champion's"}])
    held = {"withheld": "it was rolled back", "of_model": ["cost: 3 times the champion's"]}
    change(root, "verdict", verdict="HOLD", tasks={**verdict["tasks"], "lost": lost}, **held)
    text = shown(summary.render(summary.write(root), root))
    assert "the model as a whole: hold, it was rolled back\n" in text.replace(" \n", "\n")
    assert "the model as a whole: hold, cost: 3 times the champion's" in text
    assert "lost: hold, no accuracy was measured" in text


def test_an_answer_of_any_family_is_one_line() -> None:
    """The examples that the families give of themselves, and what else an answer may hold."""
    from components import families

    for family in map(families.get, families.names()):
        question, answer = family.example
        assert "\n" not in summary.brief(answer)
        assert all(summary.words(part) for part in question.values())
    assert summary.brief({"labels": ["a", "b"], "scores": [0.5], "answer": None}) == (
        "labels a, b, scores 0.50, answer none"
    )
    assert summary.brief({"labels": []}) == "labels none"
    assert summary.brief({"entities": ["Ada"], "tokens": []}) == "entities Ada"
