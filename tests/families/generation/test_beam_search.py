"""Search: greedy is greedy, a wide beam is exhaustive, and it ends whatever the decoder does."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import pytest
import torch

from components.families.generation.beam_search import ABSENT, Limits, search

START, END = 0, 1
CPU = torch.device("cpu")


class Table:
    """A decoder whose logits are random and depend on all that it was given (synthetic), and on its row."""

    def __init__(self, rows: int, beams: int, outputs: int, pause: float = 0.0) -> None:
        self.seen = [(row,) for row in range(rows) for _ in range(beams)]
        self.outputs, self.pause, self.calls = outputs, pause, 0

    def logits(self, seen: tuple[int, ...]) -> torch.Tensor:
        seed = sum((token + 3) * 31**place for place, token in enumerate(seen))
        return 2 * torch.randn(self.outputs, generator=torch.Generator().manual_seed(seed))

    def advance(self, token_R: torch.Tensor) -> torch.Tensor:
        time.sleep(self.pause)
        self.calls += 1
        self.seen = [(*seen, token) for seen, token in zip(self.seen, token_R.tolist(), strict=True)]
        return torch.stack([self.logits(seen) for seen in self.seen])

    def select(self, place_R: torch.Tensor) -> None:
        self.seen = [self.seen[place] for place in place_R.tolist()]


def found(rows: int, outputs: int, limits: Limits) -> list[list[int]]:
    token_nT = search(Table(rows, limits.beams, outputs), rows, START, END, limits, CPU)
    return [[token for token in row if token != ABSENT] for row in token_nT.tolist()]


def score(row: int, tokens: tuple[int, ...], outputs: int, alpha: float) -> float:
    """log P / lp, by the definition."""
    table = Table(1, 1, outputs)
    log_p = sum(
        float(table.logits((row, START, *tokens[:place])).log_softmax(-1)[token])
        for place, token in enumerate(tokens)
    )
    return log_p / ((5 + len(tokens)) ** alpha / (5 + 1) ** alpha)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
def test_a_beam_that_holds_everything_finds_the_best_of_all_sequences(alpha: float) -> None:
    """Brute force over 4 outputs and 4 places: whatever ends, or is 4 tokens long."""
    outputs, longest, rows = 4, 4, 6
    every = [
        tokens
        for length in range(1, longest + 1)
        for tokens in itertools.product(range(outputs), repeat=length)
        if END not in tokens[:-1] and (tokens[-1] == END or length == longest)
    ]
    best = [list(max(every, key=lambda tokens: score(row, tokens, outputs, alpha))) for row in range(rows)]
    assert found(rows, outputs, Limits(longest, beams=90, length_penalty=alpha)) == best


@pytest.mark.parametrize(("then_end", "best"), [(0.61, [END]), (0.64, [2, END])])
def test_the_length_penalty_is_that_of_the_paper(then_end: float, best: list[int]) -> None:
    """With alpha 1, lp(2) / lp(1) = (5 + 2) / (5 + 1): P(END) = e^-1 is as good as P(2, END) = e^-(7/6) = 0.5 *
    0.623."""

    class Hand(Table):
        def logits(self, seen: tuple[int, ...]) -> torch.Tensor:
            first = [0.01, math.exp(-1), 0.5, 0.49 - math.exp(-1)]
            rest = (1 - then_end) / 3
            return torch.tensor(first if len(seen) == 2 else [rest, then_end, rest, rest]).log()

    limits = Limits(4, beams=2, length_penalty=1.0)
    token_T = search(Hand(1, 2, 4), 1, START, END, limits, CPU)[0].tolist()
    assert token_T[: len(best)] == best
    assert set(token_T[len(best) :]) == {ABSENT}


def test_the_length_penalty_prefers_longer_answers() -> None:
    lengths = [
        sum(map(len, found(20, 5, Limits(8, beams=4, length_penalty=alpha)))) for alpha in (0.0, 1.0, 2.0)
    ]
    assert lengths[0] < lengths[1] < lengths[2]


def test_one_beam_takes_the_likeliest_token_every_time() -> None:
    for row, tokens in enumerate(found(20, 6, Limits(7))):
        expected: list[int] = []
        while len(expected) < 7 and expected[-1:] != [END]:
            expected.append(int(Table(1, 1, 6).logits((row, START, *expected)).argmax()))
        assert tokens == expected


def test_a_beam_is_what_a_plain_list_of_hypotheses_gives() -> None:
    """Two beams, held to the algorithm written with lists, a row at a time."""
    limits = Limits(6, beams=2, length_penalty=0.6)
    together = found(15, 5, limits)
    assert together == [listed(row, 5, limits) for row in range(15)]
    assert len({len(tokens) for tokens in together}) > 2  # rows are done at different times


def listed(row: int, outputs: int, limits: Limits) -> list[int]:
    table = Table(1, 1, outputs)
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    closed: list[tuple[float, tuple[int, ...]]] = []

    def penalty(tokens: tuple[int, ...]) -> float:
        return float(((5 + len(tokens)) / 6) ** limits.length_penalty)

    for _ in range(limits.longest):
        candidates = [
            (log_p + float(step), (*tokens, token))
            for log_p, tokens in live
            for token, step in enumerate(table.logits((row, START, *tokens)).log_softmax(-1))
        ]
        candidates.sort(reverse=True)
        closed += [(p / penalty(y), y) for p, y in candidates[: limits.beams] if y[-1] == END]
        live = [(p, y) for p, y in candidates if y[-1] != END][: limits.beams]
        if len(closed) >= limits.beams:
            return list(max(closed)[1])
    return list(max([*closed, *((p / penalty(y), y) for p, y in live)])[1])


def test_rows_together_are_rows_alone() -> None:
    limits = Limits(6, beams=3, length_penalty=0.6)
    together = found(10, 5, limits)
    for row in range(10):
        alone = Table(1, 3, 5)
        alone.seen = [(row,)] * 3
        tokens = search(alone, 1, START, END, limits, CPU)[0]
        assert [token for token in tokens.tolist() if token != ABSENT] == together[row]


def test_it_ends_after_so_many_tokens() -> None:
    limits = Limits(3, beams=2)
    token_nT = search(Never(2, 2, 4), 2, START, END, limits, CPU)
    assert token_nT.shape == (2, 3)
    assert (token_nT >= 0).all()
    assert (token_nT != END).all()


class Never(Table):
    """It never ends by itself."""

    def logits(self, seen: tuple[int, ...]) -> torch.Tensor:
        return super().logits(seen).index_fill(0, torch.tensor([END]), -math.inf)


def test_it_ends_after_so_many_seconds_with_what_there_is() -> None:
    steps = Never(3, 2, 5, pause=0.02)
    limits = Limits(1000, beams=2, seconds=0.1)
    token_nT = search(steps, 3, START, END, limits, CPU)
    assert 1 <= steps.calls <= 8
    said = (token_nT >= 0).sum(1).tolist()
    assert said == [steps.calls] * 3
    unhurried = search(Never(3, 2, 5), 3, START, END, replace(limits, longest=steps.calls, seconds=60), CPU)
    assert torch.equal(token_nT[:, : steps.calls], unhurried)


def test_one_step_is_taken_however_little_time_there_is() -> None:
    assert (search(Never(1, 1, 4), 1, START, END, Limits(9, seconds=1e-9), CPU) >= 0).sum() == 1


def test_more_beams_than_there_are_outputs() -> None:
    assert found(3, 2, Limits(1, beams=7)) == [
        [int(Table(1, 1, 2).logits((row, START)).argmax())] for row in range(3)
    ]


def test_who_follows_hears_the_best_so_far_and_lets_go_of_rows() -> None:
    limits, heard = Limits(6, beams=2), []

    def follow(token_nT: torch.Tensor) -> list[bool]:
        heard.append(token_nT.clone())
        return [True, len(heard) < 3, True]

    class Endless(Table):
        def logits(self, seen: tuple[int, ...]) -> torch.Tensor:
            return super().logits(seen).index_fill(0, torch.tensor(END), -50)

    alone = search(Endless(3, 2, 5), 3, START, END, limits, CPU)
    table = Endless(3, 2, 5)
    followed = search(table, 3, START, END, limits, CPU, follow)
    assert [int((token_nT[0] != ABSENT).sum()) for token_nT in heard] == [1, 2, 3, 4, 5, 6]
    assert torch.equal(heard[-1][[0, 2]], alone[[0, 2]])
    assert torch.equal(followed[[0, 2]], alone[[0, 2]])
    assert followed[1].eq(ABSENT).all()
    assert {seen[0] for seen in table.seen} == {0, 2}


def test_the_time_of_who_follows_is_not_that_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    limits, now = Limits(8, seconds=0.2), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def follow(token_nT: torch.Tensor) -> list[bool]:
        now[0] += 0.05
        return [True]

    table = Table(1, 1, 5)
    table.logits = lambda seen: torch.tensor([0.0, -50, 1, 0, 0])  # type: ignore[method-assign]
    search(table, 1, START, END, limits, CPU, follow)
    assert table.calls == 8
