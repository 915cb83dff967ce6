"""What the report says, in words."""

from __future__ import annotations

from components.comparison.report import _sentences, grouping_sentence


def result(intervals: dict[str, list[float] | None], seeds: int = 3) -> dict:
    tasks = {name: {"interval": interval} for name, interval in intervals.items()}
    return {"tasks": tasks, "seeds": list(range(seeds)), "groups": [list(tasks)]}


def test_a_grouping_in_words() -> None:
    assert grouping_sentence([["ner", "tweet_ner"], ["topic"], ["mood"]]) == (
        "Train together: ner, tweet_ner; apart: topic, mood."
    )
    assert grouping_sentence([["a", "b"], ["c", "d"]]) == "Train together: a, b; train together: c, d."
    assert grouping_sentence([["a"], ["b"]]) == "Apart: a, b."


def test_an_interval_with_zero_in_it_shows_no_difference() -> None:
    said = _sentences(result({"a": [0.1, 0.2], "b": [-0.2, -0.1], "c": [-0.1, 0.1]}))
    assert said["gains_sentence"] == (
        "Sharing helps a; harms b; makes no difference that these seeds show for c."
    )
    assert "zero is within the interval of the gain of c:" in said["caveat"]


def test_where_all_is_sure_the_grouping_is_still_a_guess() -> None:
    said = _sentences(result({"a": [0.1, 0.2], "b": [0.1, 0.2]}))
    assert said["gains_sentence"] == "Sharing helps a, b."
    assert said["caveat"].startswith("The grouping is a guess") and "zero" not in said["caveat"]


def test_one_seed_is_said_to_show_little() -> None:
    said = _sentences(result({"a": None, "b": None}, seeds=1))
    assert said["gains_sentence"].startswith("One seed gives no interval")
    assert "three seeds or more" in said["caveat"]
