"""The small decoder: it sees the source and what was said, and nothing else; it can copy."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from components.families.generation.beam_search import Limits
from components.families.generation.decoder import DecoderHead, positions

WIDTH, VOCABULARY = 12, 9
ABSENT = -100


@pytest.fixture
def head() -> DecoderHead:
    torch.manual_seed(0)
    head = DecoderHead(WIDTH, VOCABULARY, 2, 0.1, Limits(8, beams=2)).eval()
    with torch.no_grad():  # as initialised, its outputs would hardly depend on the source
        head.bias.normal_()[head.end] = -1
        for weights in (head.query.weight, head.key.weight, *(layer.source.weight for layer in head.layers)):
            weights.mul_(4)
    return head


def source(rows: int = 3, length: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """hidden_nLD, mask_nL (each row a token shorter), side_nS: the places of three words, or of fewer."""
    hidden = torch.randn(rows, length, WIDTH, generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(length) < torch.arange(length, length - rows, -1)[:, None]).long()
    side = torch.tensor([[0, 2, 3, -1], [1, -1, -1, -1], [0, 1, -1, -1]])[:rows]
    return hidden, mask, side


def targets() -> torch.Tensor:
    """Tokens, copied words (numbers from 9), and what shorter rows lack."""
    return torch.tensor([[3, 9, 12, 1, 8], [4, 10, 8, ABSENT, ABSENT], [11, 2, 9, 8, ABSENT]])


def test_cached_steps_give_the_logits_of_the_whole_at_once(head: DecoderHead) -> None:
    read = head.read(*source())
    tokens = targets().clamp(min=0)
    whole, _ = head.logits(tokens, read)
    past = None
    for place in range(tokens.shape[1]):
        step, past = head.logits(tokens[:, place : place + 1], read, past)
        torch.testing.assert_close(step[:, 0], whole[:, place], rtol=0, atol=1e-5)


def test_a_token_is_predicted_from_those_before_it_alone(head: DecoderHead) -> None:
    target, other = targets(), targets()
    other[0, 2] = 5
    before, after = (head(*source(), target=one) for one in (target, other))
    assert torch.equal(before[0, :3], after[0, :3])
    assert not torch.isclose(before[0, 3], after[0, 3]).all()
    assert torch.equal(before[1:], after[1:])


def test_what_stands_before_the_first_token_is_the_end(head: DecoderHead) -> None:
    read = head.read(*source())
    begun, _ = head.logits(torch.full((3, 1), head.end), read)
    torch.testing.assert_close(head(*source(), target=targets())[:, :1], begun)


def test_padding_of_source_words_and_target_changes_nothing(head: DecoderHead) -> None:
    hidden, mask, side = source()
    expected = head(hidden, mask, side, target=targets())
    longer = torch.nn.functional.pad(hidden, (0, 0, 0, 4), value=7.0)
    padded = head(
        longer,
        torch.nn.functional.pad(mask, (0, 4)),
        torch.nn.functional.pad(side, (0, 3), value=-1),
        target=torch.nn.functional.pad(targets(), (0, 2), value=ABSENT),
    )
    known = expected.shape[-1]
    torch.testing.assert_close(padded[:, :5, :known], expected, rtol=1e-5, atol=1e-5)
    assert (padded[:, :5, known:] == torch.finfo(padded.dtype).min).all()  # words that no row has
    alone = head(hidden[1:2, :5], mask[1:2, :5], side[1:2], target=targets()[1:2, :3])
    some = VOCABULARY + 2
    torch.testing.assert_close(alone[0, :, :some], expected[1, :3, :some], rtol=1e-5, atol=1e-5)


def test_words_that_a_row_lacks_are_never_said(head: DecoderHead) -> None:
    probability = head(*source(), target=targets()).softmax(-1)
    assert (probability[1, :, VOCABULARY + 2 :] == 0).all()
    assert (probability[1, :, : VOCABULARY + 2] > 0).all()


def test_a_copied_word_is_its_state_in_the_source(head: DecoderHead) -> None:
    """Number 9 + 2 j (and one more, with a space) is word j: the state at its place alone is looked at."""
    hidden, mask, side = source()
    read = head.read(hidden, mask, side)
    embedded = head.embed(torch.tensor([[9, 14], [9, 10], [11, 12]]), read)
    places = [(0, 0, 0), (0, 1, 3), (1, 0, 1), (1, 1, 1), (2, 0, 1), (2, 1, 1)]
    for row, number, place in places:
        torch.testing.assert_close(embedded[row, number], head.copied(hidden[row, place]))


def test_the_space_before_a_word_is_an_output_of_its_own(head: DecoderHead) -> None:
    read = head.read(*source())
    states = torch.randn(3, 2, WIDTH)
    found = head.point(states, read)
    without, spaced = head.query(states).split(WIDTH, -1)
    for word in range(3):
        key = head.key(read.words_nSD[0, word])
        torch.testing.assert_close(found[0, :, 2 * word], without[0] @ key / WIDTH**0.5)
        torch.testing.assert_close(found[0, :, 2 * word + 1], spaced[0] @ key / WIDTH**0.5)


def test_without_words_only_the_vocabulary_is_said(head: DecoderHead) -> None:
    hidden, mask, _ = source()
    assert head(hidden, mask, target=targets().clamp(max=8)).shape == (3, 5, VOCABULARY)
    assert head(hidden, mask).max() < VOCABULARY
    assert head(hidden, mask, torch.full((3, 4), -1)).max() < VOCABULARY


@pytest.mark.parametrize("beams", [1, 3])
def test_a_batch_is_decoded_as_its_rows_alone(head: DecoderHead, beams: int) -> None:
    head.limits = replace(head.limits, beams=beams)
    hidden, mask, side = source()
    with torch.inference_mode():
        together = head(hidden, mask, side)
        for row in range(3):
            assert torch.equal(head(*(one[row : row + 1] for one in (hidden, mask, side)))[0], together[row])
    assert together.max() >= VOCABULARY  # something was copied


def test_only_a_request_has_a_clock_of_which_a_part_of_it_gets_a_share(head: DecoderHead) -> None:
    with torch.no_grad():
        head.bias[head.end] = -1e4  # it never ends by itself
    head.limits = Limits(40, seconds=1e-9)
    assert [int((head(*source(), share=share)[0] >= 0).sum()) for share in (None, 1.0)] == [40, 1]
    assert Limits(40, seconds=8).within(0.25).seconds == 2


def test_greedy_decoding_is_the_argmax_of_the_uncached_decoder(head: DecoderHead) -> None:
    head.limits = replace(head.limits, beams=1)
    found = head(*source())
    read = head.read(*source())
    said = torch.full((3, 1), head.end)
    for place in range(8):
        best = head.logits(said, read)[0][:, -1].argmax(-1)
        going = found[:, place] >= 0
        assert torch.equal(found[going, place], best[going])
        said = torch.cat([said, best[:, None]], 1)


def test_gradients_reach_every_parameter_and_the_source(head: DecoderHead) -> None:
    hidden, mask, side = source()
    hidden.requires_grad_()
    logits = head.train()(hidden, mask, side, target=targets())
    known = targets() >= 0
    torch.nn.functional.cross_entropy(logits[known], targets()[known]).backward()
    # Adding one number to all keys of a word-free query changes no softmax; so biases of keys may be idle.
    idle = [name for name, p in head.named_parameters() if p.grad is None]
    assert not idle
    assert hidden.grad is not None
    assert (hidden.grad.abs().sum(-1)[mask.bool()] > 0).all()
    assert (hidden.grad[~mask.bool()] == 0).all()


def test_positions_are_those_of_the_paper() -> None:
    """PE(pos, 2i) = sin(pos / 10000^(2i/D)), PE(pos, 2i + 1) the cosine; here the sines stand first."""
    table = positions(5, 2, 6, torch.device("cpu"))
    expected = [[torch.tensor(place / 10_000 ** (2 * i / 6)) for i in range(3)] for place in (5, 6)]
    for row in range(2):
        sines, cosines = zip(*((angle.sin(), angle.cos()) for angle in expected[row]), strict=True)
        torch.testing.assert_close(table[row], torch.stack([*sines, *cosines]))
    torch.testing.assert_close(positions(0, 7, 6, torch.device("cpu"))[5:], table)
