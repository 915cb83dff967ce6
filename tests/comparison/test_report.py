"""What the report says, in words."""

from __future__ import annotations

from components.comparison.records import Gain, Shown
from components.comparison.report import caveat, gains_sentence, grouping_sentence, pulls
from components.settings.training import Balancing


def found(intervals: dict[str, list[float] | None]) -> dict[str, Gain]:
    """With what is shown by each interval alone."""

    def shown(ends: list[float] | None) -> Shown | None:
        return None if ends is None or ends[0] <= 0 <= ends[1] else "helps" if ends[0] > 0 else "harms"

    return {
        name: Gain(
            metric="f1", joint=0.5, alone=0.5, by_seed=[], gain=0.0, interval=interval, shown=shown(interval)
        )
        for name, interval in intervals.items()
    }


def test_a_grouping_in_words() -> None:
    assert grouping_sentence([["ner", "tweet_ner"], ["topic"], ["mood"]]) == (
        "Train together: ner, tweet_ner; apart: topic, mood."
    )
    assert grouping_sentence([["a", "b"], ["c", "d"]]) == "Train together: a, b; train together: c, d."
    assert grouping_sentence([["a"], ["b"]]) == "Apart: a, b."


def test_a_task_that_loses_should_leave_and_an_interval_with_zero_in_it_shows_no_difference() -> None:
    tasks = found({"a": [0.1, 0.2], "b": [-0.2, -0.1], "c": [-0.1, 0.1]})
    assert gains_sentence(tasks, 3) == (
        "Sharing helps a; harms b; makes no difference that these seeds show for c. b should leave: train it in "
        "a project of its own, or let it pull the encoder harder (training.balancing.weights: {method: "
        "autoscale, pull: {b: 1.5}}), or try a larger share of the mixture or smaller steps "
        "(training.tokens_per_step), and compare again."
    )
    assert "what b lost was measured, and comes first" in caveat(tasks, 3)
    del tasks["b"]
    assert "the gain of c may be chance:" in caveat(tasks, 3)


def test_who_loses_though_it_pulls_harder_is_to_pull_harder_than_that_and_others_stay_as_they_are() -> None:
    own = pulls(Balancing.model_validate({"weights": {"method": "autoscale", "pull": {"b": 2.5, "c": 1.2}}}))
    said = gains_sentence(found({"b": [-0.2, -0.1], "no": [-0.2, -0.1]}), 3, own)
    assert "(training.balancing.weights: {method: autoscale, pull: {b: 3.75, c: 1.2, 'no': 1.5}})" in said
    assert pulls(Balancing.model_validate({"weights": "dwa"})) == {}


def test_a_loss_of_one_of_many_tasks_may_be_chance_and_nobody_should_leave() -> None:
    tasks = found({"a": [-0.1, 0.1], "b": [-0.2, -0.1]})
    tasks["b"] = tasks["b"].model_copy(update={"shown": None})
    assert gains_sentence(tasks, 3) == (
        "Sharing makes no difference that these seeds show for a; makes one that may be chance among 2 tasks for b."
    )
    assert "the gain of every task may be chance" in caveat(tasks, 3)


def test_a_gain_that_is_the_same_with_each_seed_helps_and_harms_nobody() -> None:
    tasks = found({"a": [0.1, 0.2], "b": None, "c": None})
    tasks["b"] = tasks["b"].model_copy(update={"gain": -0.01})
    assert gains_sentence(tasks, 3) == (
        "Sharing helps a; makes no difference that these seeds show for c; makes the same difference with each "
        "seed, which does not tell of others, for b."
    )
    assert "the gain of b, c may be chance:" in caveat(tasks, 3)


def test_where_all_is_sure_the_grouping_is_still_a_guess() -> None:
    tasks = found({"a": [0.1, 0.2], "b": [0.1, 0.2]})
    assert gains_sentence(tasks, 3) == "Sharing helps a, b."
    assert caveat(tasks, 3).startswith("The grouping is a guess") and "chance" not in caveat(tasks, 3)


def test_one_seed_is_said_to_show_little() -> None:
    tasks = found({"a": None, "b": None})
    assert gains_sentence(tasks, 1).startswith("One seed gives no interval")
    assert "three seeds or more" in caveat(tasks, 1)
