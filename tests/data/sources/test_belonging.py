"""A tokenizer that is not the encoder's, of as many tokens, is told by what the weights have learnt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from components.data.sources.belonging import are_strangers

WIDTH, WORDS = 64, 400
LETTERS = "abcdefghijklmnopqrst"
NAMES = ["embeddings.word_embeddings.weight", "wte.weight", "shared.weight", "model.embed_tokens.weight"]
Spell = Callable[[str], str]
SPELLINGS: dict[str, Spell] = {
    "byte level": lambda word: f"\u0120{word}",
    "WordPiece": lambda word: f"##{word}",
    "Unigram": lambda word: f"\u2581{word}",
    "case": str.capitalize,
}


def word(n: int) -> str:
    return f"w{LETTERS[n // 20]}{LETTERS[n % 20]}"


def vocabulary(spell: Spell) -> dict[str, int]:
    """Every word twice, in the order of chance, as both spellings have their own frequency."""
    tokens = ["<s>", *(one for n in range(WORDS) for one in (word(n), spell(word(n))))]
    order = np.random.default_rng(0).permutation(len(tokens))
    return {token: int(number) for token, number in zip(tokens, order, strict=True)}


def encoder(
    folder: Path,
    numbers: dict[str, int],
    trained: bool = True,
    name: str = NAMES[0],
    kind: torch.dtype = torch.float32,
) -> Path:
    """Of a trained one the two spellings of a word are alike, and no two words are."""
    chance = np.random.default_rng(1)
    table = chance.normal(size=(len(numbers), WIDTH))
    for token, number in numbers.items() if trained else ():
        bare = token.lstrip("#\u0120\u2581").lower()
        meaning = np.random.default_rng([ord(letter) for letter in bare]).normal(size=WIDTH)
        table[number] = meaning + 0.3 * table[number]
    (folder / "config.json").write_text(json.dumps({"vocab_size": len(numbers)}))
    save_file({name: torch.tensor(table, dtype=kind)}, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", SPELLINGS)
def test_its_own_tokenizer_belongs_to_a_trained_encoder(kind: str, name: str, tmp_path: Path) -> None:
    numbers = vocabulary(SPELLINGS[kind])
    assert not are_strangers(encoder(tmp_path, numbers, name=name), numbers)


@pytest.mark.parametrize("kind", SPELLINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_with_the_same_tokens_at_other_numbers_does_not(
    kind: str, dtype: torch.dtype, tmp_path: Path
) -> None:
    numbers = vocabulary(SPELLINGS[kind])
    encoder(tmp_path, numbers, kind=dtype)
    moved = {token: (number + 1) % len(numbers) for token, number in numbers.items()}
    shuffled = dict(
        zip(numbers, np.random.default_rng(2).permutation([*numbers.values()]).tolist(), strict=True)
    )
    assert are_strangers(tmp_path, moved)
    assert are_strangers(tmp_path, shuffled)


def test_nothing_is_said_of_an_encoder_that_has_not_been_trained(tmp_path: Path) -> None:
    numbers = vocabulary(SPELLINGS["case"])
    assert not are_strangers(encoder(tmp_path, numbers, trained=False), numbers)


def test_nothing_is_said_where_hardly_a_word_has_two_spellings(tmp_path: Path) -> None:
    numbers = vocabulary(SPELLINGS["case"])
    encoder(tmp_path, numbers)
    moved = {token: (number + 1) % len(numbers) for token, number in numbers.items() if token.islower()}
    assert not are_strangers(tmp_path, moved)


@pytest.mark.parametrize("script", ["\u7684\u4e00\u662f", "\u0e01\u0e32\u0e23"])
def test_scripts_without_cases_say_nothing(script: str, tmp_path: Path) -> None:
    """Their characters within words are often never met, and then not learnt."""
    tokens = [
        token for n in range(WORDS) for token in (script + chr(0x4E00 + n), f"##{script}{chr(0x4E00 + n)}")
    ]
    numbers = {token: number for number, token in enumerate(tokens)}
    assert not are_strangers(encoder(tmp_path, vocabulary(SPELLINGS["case"])), numbers)
