import math

import pytest

from components import families
from components.rollout.agreement import apart, is_near, is_sound

ANSWERS = [pytest.param(families.get(name).example[1], id=name) for name in families.names()]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_any_family_is_no_way_from_itself_and_some_way_from_another(answer: dict) -> None:
    assert apart(answer, answer) == 0
    assert is_near(answer, answer)
    other = {key: _other(value) for key, value in answer.items()}
    assert 0 < apart(answer, other) <= 1
    assert not is_near(answer, other)


def _other(value: object) -> object:
    if isinstance(value, float):
        return value + 0.5
    if isinstance(value, list):
        return [_other(item) for item in value]
    if isinstance(value, dict):
        return {key: _other(item) for key, item in value.items()}
    return not value if isinstance(value, bool) else f"not {value}" if isinstance(value, str) else 77


def test_how_probable_an_answer_is_makes_it_no_other() -> None:
    one = {"label": "good", "probability": 0.9, "probabilities": {"good": 0.9, "bad": 0.1}}
    assert apart(one, {**one, "probability": 0.6, "probabilities": {"good": 0.6, "bad": 0.4}}) == 0
    assert apart(one, {**one, "label": "bad"}) == 1


def test_lists_differ_by_what_only_one_has() -> None:
    ada = {"label": "PER", "start": 0, "end": 3, "score": 0.9}
    rome = {"label": "LOC", "start": 11, "end": 15, "score": 0.8}
    assert apart({"entities": [ada, rome]}, {"entities": [{**rome, "score": 0.1}, ada]}) == 0
    assert apart({"entities": [ada, rome]}, {"entities": [ada]}) == pytest.approx(1 / 3)
    assert apart({"entities": []}, {"entities": []}) == 0


def test_numbers_alone_differ_by_the_scale_of_the_task_and_what_is_no_number_wholly() -> None:
    assert apart({"score": 3.0}, {"score": 3.3}, scale=1.5) == pytest.approx(0.2)
    assert apart({"score": 3.0}, {"score": 9.0}, scale=1.5) == 1
    assert apart({"score": 3.0}, {"score": float("nan")}) == 1


def test_answers_are_near_that_another_processor_has_rounded() -> None:
    assert is_near({"label": "a", "probability": 0.731}, {"label": "a", "probability": 0.735})
    assert not is_near({"label": "a", "probability": 0.7}, {"label": "a", "probability": 0.8})
    assert not is_near({"label": "a"}, {"label": "b"})
    assert not is_near([1.0], [1.0, 2.0])


def test_near_is_a_fiftieth_of_a_number_or_of_one_and_nothing_is_left_out() -> None:
    assert is_near({"score": 100.0}, {"score": 101.5})
    assert is_near({"score": 0.001}, {"score": 0.02})
    assert not is_near({"score": 100.0}, {"score": 103.0})
    assert not is_near({"score": 1.0}, {"score": 1.0, "label": "up"})
    assert not is_near([1.0], [1.0, 2.0])


def test_no_label_is_a_name_too_and_what_is_no_number_is_as_far_as_can_be() -> None:
    none = [{"labels": [], "probabilities": {"up": chance}} for chance in (0.1, 0.4)]
    assert apart(*none) == 0.0
    assert apart({"score": math.nan}, {"score": 1.0}) == 1.0
    assert not is_sound({"ends": (0.5, math.inf)})
