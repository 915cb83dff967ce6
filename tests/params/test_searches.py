"""Which searches are refused and how, and what a project with other values is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components import params
from components.errors import UserError
from components.params import searches
from components.search import presets
from components.settings.search import Range
from tests.conftest import PARAMS
from tests.params.searches import with_search

RATE = "training.learning_rate: {low: 1e-4, high: 1e-2}"
AT = "params.yaml: search.s.parameters"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("training.learning_rat: {low: 1e-4, high: 1e-2}",
         ".training.learning_rat: at 0.0001, unknown key (did you mean 'learning_rate'?); expected one of"),
        ("trainin.learning_rate: {low: 1e-4, high: 1e-2}",
         ".trainin.learning_rate: a search does not try this (did you mean 'training'?); expected a key below"),
        ("tasks.mood.max_length: {low: 8, high: 24}", ".tasks.mood.max_length: a search does not try this; expected"),
        ("seed: {choices: [1, 2]}", ".seed: a search does not try this; expected"),
        ("training: {choices: [1, 2]}", ".training: a search does not try this; expected"),
        ("model.encoder: {choices: [a, b]}", ".model.encoder: a search does not try this: the texts are encoded for"),
        ("training.validation_rows: {low: 5, high: 9}", ".training.validation_rows: a search does not try this: scores"),
        ("training.learning_rate: {low: 0, high: 1e-2}", ".training.learning_rate: found 0.0, input should be greater"),
        ("model.dropout: {low: 0.1, high: 1.0}", ".model.dropout: found 1.0, input should be less than 1"),
        ("training.learning_rate: {low: 1e-2, high: 1e-4}", ".training.learning_rate: low 0.01 is not below high 0.0001"),
        ("training.learning_rate: {low: 0, high: 1, log: true}", ".training.learning_rate: low is 0; expected more than 0"),
        ("training.learning_rate: {low: 1}", ".training.learning_rate: found low; expected low and high, with log or not"),
        ("training.learning_rate: {}", ".training.learning_rate: found nothing; expected low and high"),
        ("training.learning_rate: {low: 1, high: 2, choices: [3]}", "found choices and high and low; expected low and"),
        ("training.learning_rate: {low: 1, hihg: 2}", ".training.learning_rate.hihg: unknown key (did you mean 'high'?)"),
        ("training.learning_rate: {low: .nan, high: 2}", ".training.learning_rate.low: found nan, expected a number"),
        ("training.learning_rate: {low: true, high: 2}", ".training.learning_rate.low: found true, expected a number"),
        ("training.learning_rate: {low: 1, high: fast}", ".training.learning_rate.high: found 'fast', expected a number"),
        ("training.learning_rate.x: {low: 8, high: 24}", ".training.learning_rate.x: at 8, learning_rate is 0.001, not"),
        ("training.patience: {low: 1.0, high: 4.0}", ".training.patience: found 1.428"),
        ("training.precision: {choices: [fp32, fp8]}", ".training.precision: found 'fp8', input should be 'auto', 'fp32'"),
        ("training.precision: {choices: [fp32, fp32]}", ".training.precision: found ['fp32', 'fp32']; expected each once"),
        ("training.balancing.weights.method: {choices: [static, dwaa]}",
         ".training.balancing.weights.method: at dwaa, training.balancing.weights: unknown method 'dwaa' (did you"),
        ("training.balancing.weights.temperature: {low: 1.0, high: 4.0}",
         ".training.balancing.weights.temperature: at 1.0, unknown option; expected one of weights"),
        ("training.balancing.weights.weights: {simplex: [mood, size, people, closenes]}", "closenes: not a task (did you"),
        ("mixture.ratio: {simplex: [mood, people]}", ".mixture.ratio: at {'mood': 0.5, 'people': 0.5}, mixture: `ratio` is given"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("tiny_project")
def test_a_search_that_cannot_be_is_one_sentence(parameters: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        with_search(parameters)
    assert str(error.value).startswith(AT)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("search: {s: {parameters: {}}}", "search.s.parameters: expected a setting or several, each with its values, as `tr"),
        ("search: {s: {parameters: }}", "search.s.parameters: found nothing, expected a setting or several"),
        ("search: {s: {parameters: [a.b]}}", "search.s.parameters: found ['a.b'], expected a setting or several, each with its "
         "values, as `training.learning_rate: {low: 1.0e-5, high: 1.0e-3, log: true}`"),
        ("search: {s: {parameters: {a.b: {choices: {c: 1}}}}}", "search.s.parameters.a.b.choices: expected a list"),
        ("search: {s: {parameters: {a.b: {simplex: [c]}}}}", "search.s.parameters.a.b.simplex: found ['c'], expected at least 2"),
        ("search: {s: {parameters: {a.b: {choices: []}}}}", "search.s.parameters.a.b.choices: found nothing, expected at least one"),
        ("search: {s: {parameters: {a.b: [1, 2]}}}", "search.s.parameters.a.b: found [1, 2], expected values to try, as {low:"),
        (f"search: {{s: {{parameters: {{training: {{{RATE}}}}}}}}}", "search.s.parameters.training: expected the values of one "
         "setting, named by its whole path, as `training.learning_rate: "),
        ("search: {parameters: [a.b]}", "search.parameters: found ['a.b'], expected keys with values (a search has a name: write"),
        (f"search: {{s: {{parameters: {{{RATE}}}, trials: 0}}}}", "search.s.trials: found 0, input should be greater"),
        (f"search: {{s: {{parameters: {{{RATE}}}, trails: 3}}}}", "search.s.trails: unknown key (did you mean 'trials'?)"),
        (f"search: {{a-b: {{parameters: {{{RATE}}}}}}}", "search.a-b: a search's name is letters, digits"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("tiny_project")
def test_a_section_that_is_none_is_one_sentence(section: str, expected: str) -> None:
    Path("params.yaml").write_text(f"{PARAMS}{section}\n")
    with pytest.raises(UserError) as error:
        params.load()
    assert f"params.yaml: {expected}" in str(error.value)


@pytest.mark.parametrize(
    "parameters",
    [
        "mixture.temperature: {low: 1.0, high: 5.0}",
        "mixture.cap: {choices: [null, 100]}",
        "training.warmup: {low: 0.0, high: 0.5}",
        "training.patience: {low: 1, high: 4}",
        "training.balancing.weights: {choices: [equal, {method: dwa, temperature: 3.0}]}",
        "training.balancing.weights: {choices: [dwa]}\n      training.balancing.weights.temperature: {low: 1.0, high: 3.0}",
        "mixture.method: {choices: [fixed_ratio]}\n      mixture.ratio: {simplex: [mood, people, closeness]}",
    ],
)
@pytest.mark.usefixtures("tiny_project")
def test_a_search_may_try_what_the_settings_allow(parameters: str) -> None:
    assert with_search(parameters).search["s"].trials == 20


@pytest.mark.usefixtures("tiny_project")
def test_other_values_are_what_params_with_them_would_be() -> None:
    values = {
        "training.balancing.weights.temperature": 3.0,  # before the section that it is in
        "training.balancing.weights": "dwa",
        "mixture.temperature": 4.0,
    }
    changed = searches.with_values(params.load(), values)
    raw = yaml.safe_load(PARAMS)
    raw["mixture"]["temperature"] = 4.0
    raw["training"]["balancing"] = {"weights": {"method": "dwa", "temperature": 3.0}}
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    assert changed == params.load()


def test_corners_hold_both_ends_a_number_between_and_every_choice() -> None:
    parameters = {
        "a": Range(low=1, high=4),
        "b": Range(low=1.0, high=8.0),
        "c": Range(choices=["x", "y"]),
        "d": Range(simplex=["p", "q"]),
    }
    found = list(searches.corners(parameters))
    assert {corner["a"] for corner in found} == {1, 4}
    assert {corner["b"] for corner in found} == {1.0, 8.0, 2.0}
    assert {corner["c"] for corner in found} == {"x", "y"}
    assert all(corner["d"] == {"p": 0.5, "q": 0.5} for corner in found)


@pytest.mark.usefixtures("tiny_project")
def test_the_static_baseline_searches_a_weight_per_head_and_the_rate_whatever_the_balancing_is() -> None:
    raw = yaml.safe_load(PARAMS)
    raw["training"]["balancing"] = {"weights": {"method": "dwa", "temperature": 3.0}, "combination": "pcgrad"}
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    project = params.load()
    name, search = presets.find(project, "static")
    heads = list(project.heads())
    assert (name, search.trials) == ("static", 30)
    assert sorted(heads) == ["closeness", "mood", "people", "size"]
    assert search.parameters["training.balancing.weights.weights"].simplex == heads
    rate = search.parameters["training.learning_rate"]
    assert (rate.low, rate.high, rate.log) == (1e-3 / 8, 8e-3, True)
    for values in searches.corners(search.parameters):
        balancing = searches.with_values(project, values).training.balancing
        assert balancing.weights.options == {"weights": dict.fromkeys(heads, 0.25)}
        assert (balancing.weights.method, balancing.combination.method) == ("static", "sum")


@pytest.mark.usefixtures("tiny_project")
def test_a_search_is_found_by_its_name_or_for_being_the_only_one() -> None:
    assert presets.find(with_search(RATE), None)[0] == "s"
    with pytest.raises(
        UserError,
        match="search.statc: no such search \\(did you mean 'static'\\?\\); expected one of static, s",
    ):
        presets.find(with_search(RATE), "statc")
    Path("params.yaml").write_text(PARAMS)
    with pytest.raises(UserError, match="which search\\? expected its name, one of static"):
        presets.find(params.load(), None)
