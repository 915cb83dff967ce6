"""What regularises a step is the papers' arithmetic, however the step goes backward.

The references know nothing of hooks and packs: they give the encoder its word embeddings, padded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.distributions import Categorical, kl_divergence
from torch.nn.functional import cross_entropy

from components import families
from components.settings.training import Balancing, Method
from components.training.step.backward import StepBackward
from components.training.step.stepper import Stepper
from tests.params.messages import complaint
from tests.training.gradients.explicit import each_alone
from tests.training.steps import first_batch, stepper

HEADS = ("closeness", "mood", "people", "size")


def engine(root: Path, *methods: dict | str, dropout: float = 0.0, **changes) -> Stepper:
    chosen = [Method.model_validate(method) for method in methods]
    made = stepper(root, regularisation=chosen, clip=1e9, **changes)
    for module in made.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    made.model.train()
    return made


def backward(made: Stepper, root: Path) -> StepBackward:
    return StepBackward(made, 0, first_batch(root, made))


class Reference:
    """One micro-batch, and each head's logits from its word embeddings: no pack, no hook."""

    def __init__(self, seen: StepBackward) -> None:
        (self.micro,) = seen.micros()
        self.seen, self.model = seen, seen.model
        self.words_BLD = seen.model.encoder.get_input_embeddings()(self.micro.input_ids_BL).detach()

    def logits(self, words_BLD: torch.Tensor) -> dict[str, torch.Tensor]:
        micro = self.micro
        hidden_BLD = self.model.encoder(
            inputs_embeds=words_BLD, attention_mask=micro.mask_BL, token_type_ids=micro.segment_ids_BL
        )[0]
        return {
            head: self.model.heads[head](hidden_BLD[rows.places], micro.mask_BL[rows.places])
            for head, rows in micro.heads.items()
        }

    def sums(self, logits: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            head: self.family(head).loss(values, self.micro.targets[head], self.facts(head))
            for head, values in logits.items()
        }

    def apart(self, logits: dict[str, torch.Tensor], others: dict) -> dict[str, torch.Tensor]:
        return {
            head: self.family(head).divergence(one, others[head], self.micro.targets[head], self.facts(head))
            for head, one in logits.items()
        }

    def family(self, head: str) -> families.Family:
        return families.get(self.seen.cards[head]["family"])

    def facts(self, head: str) -> dict:
        return self.seen.cards[head]["facts"]

    def means(self, sums: dict[str, torch.Tensor]) -> dict[str, float]:
        return {head: float(value.detach()) / self.seen.units[head] for head, value in sums.items()}


def unpacked(seen: StepBackward) -> Reference:
    """After the means were taken: the same model, with its attention as it was before it packed."""
    seen.model.encoder.set_attn_implementation("eager")
    return Reference(seen)


def found_means(seen: StepBackward) -> dict[str, float]:
    (micro,) = seen.micros()
    return {head: float(mean.detach()) for head, mean in seen.means(micro).items()}


def steepest(value: Callable, words_BLD: torch.Tensor) -> torch.Tensor:
    moved = words_BLD.clone().requires_grad_()
    (gradient_BLD,) = torch.autograd.grad(sum(value(moved).values()), moved)
    return gradient_BLD


def test_fgm_adds_the_loss_at_the_worst_of_all_small_moves(encoded_project: Path) -> None:
    seen = backward(engine(encoded_project, {"method": "fgm", "epsilon": 0.03}), encoded_project)
    found = found_means(seen)
    known = unpacked(seen)
    gradient_BLD = steepest(lambda words: known.sums(known.logits(words)), known.words_BLD)
    moved_BLD = known.words_BLD.clone()
    for place, gradient_LD in enumerate(gradient_BLD):
        moved_BLD[place] += 0.03 * gradient_LD / gradient_LD.square().sum().sqrt()
    clean, moved = (known.means(known.sums(known.logits(w))) for w in (known.words_BLD, moved_BLD))
    for head in HEADS:
        assert found[head] == pytest.approx(clean[head] + moved[head], rel=1e-5)
        assert moved[head] > clean[head]  # the move is uphill


def test_smart_adds_the_divergence_at_the_end_of_the_ascent(encoded_project: Path) -> None:
    options = {"weight": 3.0, "epsilon": 0.02, "noise": 0.01, "step_size": 0.015, "steps": 2}
    seen = backward(engine(encoded_project, {"method": "smart", **options}), encoded_project)
    found = found_means(seen)
    known = unpacked(seen)
    list(seen.micros())  # begins the step's draws anew: without dropout, the noise is the first of them
    delta_BLD = 0.01 * torch.randn(known.words_BLD.shape)
    clean = {head: values.detach() for head, values in known.logits(known.words_BLD).items()}
    for _ in range(2):
        moved = known.words_BLD + delta_BLD
        gradient_BLD = steepest(lambda words: known.apart(known.logits(words), clean), moved)
        largest_B = torch.stack([gradient_LD.abs().max() for gradient_LD in gradient_BLD])
        delta_BLD = (delta_BLD + 0.015 * gradient_BLD / largest_B[:, None, None]).clamp(-0.02, 0.02)
    apart = known.means(known.apart(known.logits(known.words_BLD + delta_BLD), clean))
    losses = known.means(known.sums(clean))
    for head in HEADS:
        assert found[head] == pytest.approx(losses[head] + 3.0 * apart[head], rel=1e-4)
        assert apart[head] > 0


def test_r_drop_adds_a_second_loss_and_half_the_divergence_both_ways(encoded_project: Path) -> None:
    seen = backward(engine(encoded_project, {"method": "r_drop", "alpha": 0.8}, dropout=0.3), encoded_project)
    found = found_means(seen)
    (micro,) = seen.micros()
    one, other = (
        seen.model(micro.input_ids_BL, micro.mask_BL, micro.segment_ids_BL, micro.heads)["mood"]
        for _ in range(2)
    )
    assert not torch.equal(one, other)
    p, q = Categorical(logits=one), Categorical(logits=other)
    both = sum(cross_entropy(logits, micro.targets["mood"], reduction="sum") for logits in (one, other))
    regular = 0.8 * 0.5 * (kl_divergence(p, q) + kl_divergence(q, p)).sum()
    assert found["mood"] == pytest.approx(float((both + regular).detach()) / len(one), rel=1e-5)


def test_a_perturbed_pass_drops_what_the_first_one_did(encoded_project: Path) -> None:
    """Else the divergence of SMART would be that of two dropouts, which is far larger."""
    options = {"method": "smart", "epsilon": 1e-12, "noise": 1e-12}
    without, with_it = (
        backward(engine(encoded_project, *methods, dropout=0.3), encoded_project)
        for methods in ([], [options])
    )
    assert found_means(with_it) == pytest.approx(found_means(without), rel=1e-6)


WAYS = [
    {"weights": "static"},
    {"weights": "famo"},  # looks without gradients
    {"weights": "gradnorm"},
    {"weights": "uncertainty", "combination": "pcgrad"},
]
METHODS = ["fgm", {"method": "smart", "epsilon": 0.02, "noise": 0.01, "step_size": 0.02}, "r_drop"]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=["plain", "after probing", "after norms", "per task"])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
def test_gradients_are_those_of_each_tasks_regularised_loss(
    encoded_project: Path, way: dict, packed: bool
) -> None:
    """One whole backward pass for each task, then weighed: no matter what hooks watch the step's own."""
    how = {"balancing": Balancing.model_validate(way), "tokens_per_micro_batch": 150}
    made = engine(encoded_project, *METHODS, dropout=0.2, **how)
    if not packed:
        made.model.packs = False
        made.model.encoder.set_attn_implementation("eager")
    seen = backward(made, encoded_project)
    assert len(seen.batches) > 1
    own = {
        head: {n: p.grad.clone() for n, p in made.model.named_parameters() if p.grad is not None}
        for head in each_alone(made, seen)
    }
    _facts, balance = seen.fill()
    for name, parameter in made.model.named_parameters():
        weights = balance.shared if name.startswith("encoder.") else balance.heads
        parts = [weights[head] * own[head][name] for head in HEADS if name in own[head]]
        if parts:
            expected = torch.stack(parts).sum(0)
            scale = max(float(part.norm()) for part in parts)
            assert float((parameter.grad - expected).norm()) <= 1e-5 * scale + 1e-7, name


@pytest.mark.slow
def test_a_step_in_many_micro_batches_is_a_step_in_one(encoded_project: Path) -> None:
    found = []
    for budget in (100_000, 90):
        seen = backward(engine(encoded_project, "fgm", tokens_per_micro_batch=budget), encoded_project)
        facts, _ = seen.fill()
        found.append(facts.losses)
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_nothing_watches_the_embeddings_afterwards(encoded_project: Path) -> None:
    made = engine(encoded_project, *METHODS, dropout=0.2)
    backward(made, encoded_project).fill()
    assert not any(module._forward_hooks for module in made.model.modules())


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ("[fmg]", "0: unknown method 'fmg' (did you mean 'fgm'?); expected one of fgm, r_drop, smart"),
        ("[fgm, {method: smart, step: 2}]", "1.step: unknown option (did you mean 'steps'?); expected one of "),
        ("[{method: fgm, epsilon: 0}]", "0.epsilon: found 0, input should be greater than 0"),
        ("[r_drop]", "0: r_drop: with model.dropout 0 both passes are the same; expected a model.dropout above 0"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(tiny_project: Path, chosen: str, sentence: str) -> None:
    params = tiny_project / "params.yaml"
    params.write_text(params.read_text().replace("dropout: 0.1", "dropout: 0.0"))
    said = complaint(tiny_project, "  window: 4", f"  window: 4\n  regularisation: {chosen}")
    assert said.startswith(f"params.yaml: training.regularisation.{sentence}")


@pytest.mark.slow
def test_a_move_is_the_same_however_the_encoder_is_fed(encoded_project: Path) -> None:
    """Packed, padded, or a length at a time."""
    found = []
    for packs, pads in ((True, True), (False, True), (False, False)):
        made = engine(encoded_project, {"method": "fgm", "epsilon": 0.03}, tokens_per_micro_batch=900)
        if not packs:
            made.model.encoder.set_attn_implementation("sdpa")
        made.model.packs, made.model.pads = packs, pads
        found.append(found_means(backward(made, encoded_project)))
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-5)
