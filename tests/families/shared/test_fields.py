"""A dialogue is a text of lines "role: text"; where it is too long, its oldest turns are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import families
from components.errors import BadRowError
from components.families.shared.fields import read_turns
from tests.families.families import UNICODE, ask, learn, pieces

FAMILY = families.get("classification")
FACTS = learn(FAMILY, [], ["down", "up"])
STRINGS = ["good plane", "bad train", "late london"]
OBJECTS = [
    {"role": "a", "text": STRINGS[0]},
    {"role": "b", "text": STRINGS[1]},
    {"role": "a", "text": STRINGS[2]},
]


def test_turns_without_roles_alternate() -> None:
    assert read_turns(STRINGS) == "A: good plane\nB: bad train\nA: late london"


@pytest.mark.parametrize("turns", [OBJECTS, json.dumps(OBJECTS)])
def test_turns_with_roles_are_read_as_a_list_and_as_json(turns: Any) -> None:
    assert read_turns(turns) == "a: good plane\nb: bad train\na: late london"


@pytest.mark.parametrize(
    ("turns", "sentence"),
    [
        (None, "'turns' is None, expected a list that is not empty"),
        ([], "'turns' is [], expected a list that is not empty"),
        ("hello", "'turns' is 'hello', expected a JSON list"),
        ("[" * 100_000, f"'turns' is '{'[' * 59}, expected a JSON list"),
        (
            '{"role": "a", "text": "hi"}',
            "'turns' is {'role': 'a', 'text': 'hi'}, expected a list that is not empty",
        ),
        (["hi", " "], "turn 2: 'text' is empty, expected a text"),
        (["hi", 5], "turn 2: 'text' is 5, expected a text"),
        ([["hi"]], "turn 1: 'text' is ['hi'], expected a text"),
        ([{"role": "a"}], "turn 1: 'text' is missing, expected a text"),
        ([{"text": "hi"}], "turn 1: 'role' is missing, expected a text"),
    ],
)
def test_malformed_turns_get_one_sentence(turns: Any, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read_turns(turns)
    assert str(error.value) == sentence


@pytest.mark.parametrize("turns", [STRINGS, OBJECTS])
def test_the_newest_turns_survive_truncation(tokenizer: Any, turns: list) -> None:
    row = FAMILY.read_input({"turns": turns}, FACTS["options"])
    tokenizer.enable_truncation(**FAMILY.truncation(("turns",), 10, {}))
    ((encoding,),) = FAMILY.tokenise(tokenizer, [row], {})
    colon = "[UNK]"  # the synthetic vocabulary has none
    newest = ["b", colon, "bad", "train", "a", colon, "late", "london"]
    assert pieces(tokenizer, encoding) == ["[CLS]", *newest, "[SEP]"]


def test_a_text_keeps_its_beginning(tokenizer: Any) -> None:
    tokenizer.enable_truncation(**FAMILY.truncation(("text",), 4, {}))
    ((encoding,),) = FAMILY.tokenise(tokenizer, [{"text": "good plane bad train", "text_pair": None}], {})
    assert pieces(tokenizer, encoding) == ["[CLS]", "good", "plane", "[SEP]"]


@pytest.mark.slow_after(1)
@given(
    turns=st.lists(
        UNICODE | st.fixed_dictionaries({"role": UNICODE, "text": UNICODE}), min_size=1, max_size=5
    )
)
@pytest.mark.parametrize("name", ["classification", "multi_label", "ordinal", "regression"])
def test_any_dialogue_is_answered(tokenizer: Any, name: str, turns: list) -> None:
    row = {"label": "up", "labels": ["up"], "score": 1.0, "text_pair": None}
    labels = None if name == "regression" else ["down", "up"]
    family = families.get(name)
    answer = ask(family, tokenizer, {"turns": turns}, learn(family, [row, {**row, "score": 2.0}], labels))
    assert isinstance(answer, family.response)
