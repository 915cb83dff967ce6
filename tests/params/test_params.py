"""A mistake in params.yaml is one clear sentence with a suggestion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components import params
from components.errors import UserError
from tests.conftest import PARAMS
from tests.params.messages import complaint

ROOT = Path(__file__).parents[2]


TASKS = PARAMS[PARAMS.index("tasks:") : PARAMS.index("checks:")]
JOINT = """\
        family: classification
        columns: {label: size}
        gate: {metric: macro_f1"""


def test_the_projects_own_params_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert len(params.load().tasks) == 6


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("temperature: 2.0", "temprature: 2.0", "mixture.temprature: unknown key (did you mean 'temperature'?)"),
        ("  learning_rate: 1.0e-3", "  learning_rate: .inf", "training.learning_rate: found inf, input should be a finite number"),
        ("floor: 0.0", "floor: .nan", "gate.floor: found nan, input should be a finite number"),
        ("label: label}", "label: no}", "found false, expected the name of a column, or a list of them; a name that YAML reads as a number or a boolean stands in quotes"),
        ('{text: "good plane"}', "{text: 12:30}", "'text' is 750, expected a text; what YAML reads as a number, a boolean or a date stands in quotes"),
        ("  tokens: 12000", "  tokenz: 12000", "training.tokenz: unknown key (did you mean 'tokens'?)"),
        ("path: sources/mood.csv", f"path: {'x' * 300}", f"tasks.mood.source.path: {'x' * 300}: a longer name than this system allows"),
        ("encoder: encoder", f"encoder: {'x' * 300}", f"model.encoder: {'x' * 300}: a longer name than this system allows"),
        ("path: sources/mood.csv", "path: sources/moood.csv", "no such file 'sources/moood.csv' (did you mean 'mood.csv'?)"),
        ("encoder: encoder", "encoder: encodr", "model.encoder: no such file 'encodr' (did you mean 'encoder'?)"),
        ("encoder: encoder", "encoder: downloads/minilm", "no package or remote 'minilm'"),
        ("encoder: encoder", "encoder: team/encoder", "model.encoder: no such folder 'team/encoder'; for a model of the Hugging Face hub write `encoder: {huggingface: team/encoder, revision: main}`"),
        ("evaluation: {confidence: 0.95}", "evaluation: {resamples: 200}", "evaluation.resamples: intervals need no resamples any more; take the line out"),
        ("encoder: encoder", "encoder: {huggingfce: team/encoder}", "model.encoder.huggingfce: unknown key (did you mean 'huggingface'?); expected one of huggingface, revision"),
        ("encoder: encoder", "encoder: {huggingface: team/encoder, revision: 2}", "model.encoder.revision: found 2, expected a text; write it in quotes: \"2\""),
        ("encoder: encoder", "encoder: {revision: main}", "model.encoder.huggingface: missing; it has no default"),
        ("encoder: encoder", "encoder: 7", "model.encoder: found 7, expected a folder, or {huggingface: NAME, revision: BRANCH, TAG or COMMIT}"),
        ("format: csv, labels: [down, up]}", "huggingface: {split: train}}", "tasks.mood.source.huggingface: `split` stands elsewhere: write source.files"),
        ("format: csv, labels: [down, up]}", "huggingface: {bulder: csv}}", "tasks.mood.source.huggingface.bulder: unknown key (did you mean 'builder'?)"),
        ("family: classification", "family: clasification", "unknown family 'clasification' (did you mean 'classification'?)"),
        ("metric: accuracy", "metric: acuracy", "no metric 'acuracy' (did you mean 'accuracy'?)"),
        ("method: temperature", "method: temperatur", "(did you mean 'temperature'?)"),
        ("columns: {text: text, label: label}", "columns: {text: text, lable: label}", "no such column (did you mean 'label'?)"),
        ("columns: {text: text, label: label}", "columns: {text: 5, label: label}", "tasks.mood.columns.text: found 5, expected the name of a column, or a list of them"),
        ("columns: {text: text, label: label}", "columns: {text: text, label: [label, size]}", "tasks.mood.columns.label: found a list of 2 columns, expected the name of one"),
        ("columns: {text: text, label: label}", "columns: {text: text}", "tasks.mood.columns.label: missing"),
        ("labels: [down, up]", "labels: [up, up]", "the labels are not distinct"),
        ("splits: {validation: 0.2, test: 0.2}", "splits: {validation: 1.2}", "tasks.mood.splits.validation: found 1.2"),
        ("splits: {validation: 0.2, test: 0.2}", "splits: {groups: [texte]}", "(did you mean 'text'?)"),
        ("seed: 7", "seed: seven", "seed: found 'seven'"),
        ("  tokens: 12000\n", "", "training: found neither `tokens` nor `budget`; expected one of them, which says how long training is"),
        ("  learning_rate: 1.0e-3", "\tlearning_rate: 1.0e-3", "found a tab"),
        ("method: temperature,", "method: fixed_ratio,", "`ratio` is given exactly when method is fixed_ratio"),
        ("family: classification\n        columns", "family: clasification\n        columns", "tasks.mood.joint.size.family: unknown family 'clasification' (did you mean 'classification'?)"),
        ("columns: {label: size}", "columns: {lable: size}", "tasks.mood.joint.size.columns.lable: classification has no such column (did you mean 'label'?)"),
        ("columns: {label: size}", "columns: {}", "tasks.mood.joint.size.columns.label: missing; classification needs it"),
        ("      size:", "      people:", "tasks.mood.joint.people: another task has this name"),
        ("metric: macro_f1", "metric: macrof1", "tasks.mood.joint.size.gate.metric: classification has no metric 'macrof1'"),
        ("columns: {text: text, label: label}", "columns: {text: text, turns: text, label: label}", "found text and turns, but classification reads text; or text and text_pair; or turns"),
        ("columns: {text: text, label: label}", "columns: {label: label}", "tasks.mood.columns.text: missing; classification needs it"),
        ('example: {text: "good plane"}', 'example: {txt: "good plane"}', "tasks.mood.example: found txt, expected text: the question asked"),
        ("    cleaning: {}", "    options: {label_smothing: 0.1}\n    cleaning: {}", "tasks.mood.options.label_smothing: unknown option (did you mean 'label_smoothing'?)"),
        ("    cleaning: {}", "    options: {label_smoothing: 1.5}\n    cleaning: {}", "tasks.mood.options.label_smoothing: found 1.5, input should be less than 1"),
        ('example: {text: "good plane"}', 'example: {text: " "}', "tasks.mood.example: 'text' is empty, expected a text"),
        ("labels: [down, up]", "labels: [yes, no]", 'tasks.mood.source.labels.0: found true, expected a text; YAML reads yes, no, on and off as true and false: write it in quotes, "yes" or "no"'),
        ("name: tiny", "name: 5", 'packaging.name: found 5, expected a text; write it in quotes: "5"'),
        ("labels: [down, up]", "labels: [2024-01-01, up]", 'labels.0: found 2024-01-01, expected a text; write it in quotes: "2024-01-01"'),
        ("seed: 7", "seed: yes", "seed: found true, expected a number; YAML reads yes"),
        ("checkpoint_every: 5", "checkpoint_every: on", "training.checkpoint_every: found true, expected a number"),
        ("  tokens: 12000", "  tokens: 60k", "training.tokens: found '60k', expected a whole number; write 60000"),
        ("  tokens: 12000", "  tokens: 12,000", "training.tokens: found '12,000', expected a whole number; write 12000"),
        ("  tokens: 12000", "  tokens: 1.2e6", "training.tokens: found '1.2e6', expected a whole number; write 1200000"),
        ("  tokens: 12000", "  tokens: true", "training.tokens: found true, expected a number"),
        ("  tokens: 12000", "  budget: {method: epochs, epochs: yes}", "training.budget.epochs: found true, expected a number"),
        ("  tokens: 12000", "  budget: {method: epochs, epochs: .inf}", "training.budget.epochs: found inf, input should be a finite number"),
        ("  tokens: 12000", "  budget: {method: minutes, minutes: 20m}", "training.budget.minutes: found '20m', expected a number"),
        ("  tokens: 12000", "  budget: minutes", "training.budget.minutes: missing; minutes needs it"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: autoscale, explore: on}}", "training.balancing.weights.explore: found true, expected a number"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: autoscale, pull: {moood: 2}}}", "training.balancing.weights.pull.moood: not a task (did you mean 'mood'?); expected some of mood"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: autoscale, pull: {mood: 0}}}", "training.balancing.weights.pull.mood: found 0, input should be greater than or equal to 0.001"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: autoscale, pull: {mood: 1.0e+300}}}", "training.balancing.weights.pull.mood: found 1e+300, input should be less than or equal to 1000"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: autoscale, pull: {mood: 1.0e-300}}}", "training.balancing.weights.pull.mood: found 1e-300, input should be greater than or equal to 0.001"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: static, weights: {mood: 0, size: 0, people: 0, closeness: 0}}}", "training.balancing.weights.weights: found 0 for every task; expected a task that learns"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: autoscale, pull: 2}}", "training.balancing.weights.pull: found 2, expected"),
        ("  tokens: 12000", "  tokens: 12000\n  balancing: {weights: {method: static, weights: {mood: 1}}}", "training.balancing.weights.weights.size: missing; expected one weight per task"),
        ("temperature, temperature: 2.0", "fixed_ratio, ratio: {mood: true, people: 1, closeness: 1}", "mixture.ratio.mood: found true, expected a number"),
        ("  tokens: 12000", "  tokens: 100", "training: tokens 100 is less than one step: tokens_per_step is 300"),
        ("  tokens: 12000", "  tokens: 12000\n  start_decay: 1.0e+6", "training: start_decay 1e+06: each step would take the encoder all the way back"),
        ("floor: 0.0", 'floor: "0,34"', "tasks.mood.gate.floor: found '0,34', expected a number; write 0.34"),
        ("floor: 0.0", "floor: 34", "tasks.mood.gate.floor: found 34, but accuracy is 1 at most; write 0.34"),
        ("floor: 0.0", "floor: 1.2", "tasks.mood.gate.floor: found 1.2, but accuracy is 1 at most"),
        ("margin: 0.5", "margin: 3", "tasks.mood.gate.margin: found 3, expected less than 1: it is in units of accuracy"),
        ("floor: 0.0", "floor: 0,34", "tasks.mood.gate.34: found the key 34, expected a word; a number is written with a point"),
        ("splits: {validation: 0.2, test: 0.2}", "splits: {validation: 0.6, test: 0.4}", "tasks.mood.splits: validation 0.6 and test 0.4 leave no rows to train on"),
        ("  closeness:\n", "  people:\n", "the key 'people' stands twice; rename one or take it out"),
        ("seed: 7", "seed: 2026-13-45", "line 1: 2026-13-45 looks like a date or a number and is none (month must be in 1..12)"),
        ("seed: 7", "? [seed]\n: 7", "line 1: a key is a list or has keys itself; it is to be a word"),
        ("seed: 7", f"seed: {'[' * 3000}", "lists or keys stand too deep within each other"),
        (PARAMS, "", "found an empty file, expected keys such as tasks, mixture and training"),
        (PARAMS, "- tasks\n", "found a list, expected keys such as tasks"),
        (TASKS, "tasks: {}\n", "tasks: found nothing, expected at least one"),
        (JOINT, JOINT.replace("classification", "relation").replace("macro_f1", "micro_f1"), "tasks.mood.joint.size: relation does not read a row as classification does; make it a task of its own"),
    ],
)  # fmt: skip
@pytest.mark.slow_after(20)
def test_a_mistake_is_one_sentence(tiny_project: Path, old: str, new: str, expected: str) -> None:
    assert expected in complaint(tiny_project, old, new)


def test_a_ratio_names_every_task(tiny_project: Path) -> None:
    found = complaint(
        tiny_project,
        "{method: temperature, temperature: 2.0}",
        "{method: fixed_ratio, ratio: {mood: 1, peeple: 1}}",
    )
    assert "mixture.ratio.peeple: not a task (did you mean 'people'?)" in found


@pytest.mark.parametrize(
    ("mixture", "expected"),
    [
        ("{method: alternate}", "(did you mean 'alternating'?)"),
        ("{method: dynamc}", "(did you mean 'dynamic'?)"),
        ("{method: alternating}", "mixture: `blocks` is given exactly when method is alternating"),
        ("{method: uniform, blocks: {mood: 2}}", "mixture: `blocks` is given exactly when method is alternating"),
        ("{method: alternating, blocks: {mood: 2, people: 1}}", "mixture.blocks.closeness: missing; expected one number of steps per task"),
        ("{method: alternating, blocks: {mood: 0}}", "mixture.blocks.mood: found 0"),
        ("{method: curriculum}", "`curriculum` is given exactly when method is curriculum"),
        ("{method: curriculum, curriculum: {start: {method: uniform}}}", "mixture.curriculum.end: missing"),
        ("{method: curriculum, curriculum: {start: {method: uniform}, end: {method: uniform}, untl: 1}}", "mixture.curriculum.untl: unknown key (did you mean 'until'?)"),
        ("{method: curriculum, curriculum: {start: {method: uniform}, end: {methd: uniform}}}", "mixture.curriculum.end.methd: unknown key (did you mean 'method'?)"),
        ("{method: curriculum, curriculum: {start: {method: uniform}, end: {method: dynamic}}}", "mixture.curriculum.end.method: found 'dynamic'"),
        ("{method: curriculum, curriculum: {start: {method: uniform}, end: {method: uniform}, begin: 0.5, until: 0.5}}", "mixture.curriculum: begin 0.5 is not before until 0.5"),
        ("{method: curriculum, curriculum: {start: {method: uniform}, end: {method: fixed_ratio, ratio: {mood: 1, peple: 1}}}}", "mixture.curriculum.end.ratio.peple: not a task (did you mean 'people'?); expected one share per task"),
        ("{method: dynamic, dynamic: {start: {method: uniform}, keep: 1}}", "mixture.dynamic.keep: found 1, input should be less than 1"),
        ("{method: dynamic, dynamic: {start: {method: fixed_ratio, ratio: {mood: 1}}}}", "mixture.dynamic.start.ratio.people: missing; expected one share per task"),
        ("{method: uniform, auxiliary: {mod: {start: 0.5}}}", "mixture.auxiliary.mod: not a task (did you mean 'mood'?); expected some of mood, people, closeness"),
        ("{method: uniform, auxiliary: {mood: {start: 0.2, end: 0.3}}}", "mixture.auxiliary.mood: end 0.3 is above start 0.2; an auxiliary task's share falls"),
        ("{method: uniform, auxiliary: {mood: {start: 0.5}, people: {start: 0.5}}}", "mixture: the auxiliary tasks start with 1 of the rows; expected less than 1"),
        ("{method: round_robin, auxiliary: {mood: {start: 0.5}}}", "mixture: `auxiliary` goes with temperature, proportional, uniform, inverse_size, fixed_ratio, not with round_robin"),
        ("{method: uniform, auxiliary: {mood: {start: 0.3}, people: {start: 0.3}, closeness: {start: 0.3}}}", "mixture.auxiliary: every task is auxiliary"),
        ("{method: fixed_ratio, ratio: {mood: 1, people: 2, closeness: 1}, auxiliary: {mood: {start: 0.3}}}", "mixture.ratio.mood: mixture.auxiliary has its share; expected one share per task that is not there"),
        ("{method: uniform, easy_first: {mood: {by: lenght}}}", "mixture.easy_first.mood.by: found 'lenght'"),
        ("{method: uniform, easy_first: {moood: {by: length}}}", "mixture.easy_first.moood: not a task (did you mean 'mood'?)"),
        ("{method: uniform, easy_first: {mood: {by: difficulty}}}", "mixture.easy_first.mood.by: found difficulty, but tasks.mood.columns names no such column"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_mixture_is_one_sentence(tiny_project: Path, mixture: str, expected: str) -> None:
    assert expected in complaint(tiny_project, "{method: temperature, temperature: 2.0}", mixture)


def test_no_params_file_says_where_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such file; run from the project's folder"):
        params.load()


def test_params_that_are_no_mapping(tiny_project: Path) -> None:
    (tiny_project / "params.yaml").write_text("- tasks\n")
    with pytest.raises(UserError, match="found a list"):
        params.load()


@pytest.mark.slow
def test_validation_imports_nothing_heavy(tiny_project: Path) -> None:
    """The answer to a typo must not wait for torch or Great Expectations."""
    code = "import sys; from components import params; params.load(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    heavy = {"torch", "transformers", "great_expectations", "prefect", "dvc", "bentoml", "sklearn", "pandas"}
    assert not heavy & set(done.stdout.split())


def test_a_task_is_renamed_from_a_name_that_no_task_has(tiny_project: Path) -> None:
    old = "evaluation: {confidence: 0.95"
    said = complaint(tiny_project, old, "evaluation: {renamed: {mod: feeling}, confidence: 0.95")
    assert "evaluation.renamed.mod: no task has this name (did you mean 'mood'?)" in said
    said = complaint(tiny_project, "{mod: feeling}", "{mood: people}")
    assert "evaluation.renamed.mood: 'people' is another task's name" in said
    settings = tiny_project / "params.yaml"
    settings.write_text(settings.read_text().replace("{mood: people}", "{mood: feeling, feeling: temper}"))
    assert params.load(settings).evaluation.renamed == {"mood": "feeling", "feeling": "temper"}
