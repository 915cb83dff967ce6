"""What training alters of a row at a visit is a function of (seed, step, row), and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components import params
from components.data.batches.batching import micro_batches
from components.data.encoding.split import EncodedSplit, cards_of
from components.files import read_json, sha256
from components.settings.training import Balancing, Method
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from components.training.run.watcher import Seen
from components.training.step.augment import augmented
from tests.conftest import WORDS, encode_project, sentence
from tests.families.self_supervised import add_task, mask_token
from tests.training.runs import forget

MODEL = Path("models/multitask")


@pytest.fixture
def project(tiny_project: Path) -> Path:
    """The tiny project with masked words beside mood, encoded."""
    mask_token(tiny_project / "encoder")
    add_task(tiny_project, "masked_lm", [{"text": f"{sentence(n)} {sentence(n + 1)}"} for n in range(80)])
    encode_project(tiny_project)
    return tiny_project


def seen(step: int, rows: list[int], budget: int = 10**6, seed: int = 7) -> dict[int, tuple[Any, Any]]:
    """What micro-batches of these rows hold: row -> its tokens, and what its head is given beside them."""
    splits = {"aside": EncodedSplit(Path("encoded/aside/train.arrow"))}
    cards = cards_of(Path("encoded/aside"))
    longest_first = sorted(rows, key=lambda row: (-splits["aside"].lengths[row], -row))
    found = []
    for micro in micro_batches(
        augmented(splits, cards, seed, step), cards, {"aside": np.array(rows)}, budget
    ):
        side = micro.heads["aside"].extra_nF
        assert side is not None
        pairs = zip(micro.input_ids_BL, micro.mask_BL, side, strict=True)
        found += [(ids[mask.bool()].tolist(), of_row[of_row >= 0].tolist()) for ids, mask, of_row in pairs]
    return dict(zip(longest_first, found, strict=True))


@pytest.mark.usefixtures("project")
def test_a_visit_is_a_function_of_seed_step_and_row() -> None:
    rows = list(range(12))
    first = seen(3, rows)
    assert seen(3, rows) == first
    assert seen(3, rows, budget=40) == first  # smaller micro-batches, as after running out of memory
    assert seen(3, rows[::2]) == {row: first[row] for row in rows[::2]}  # a process's own rows
    for other in (seen(4, rows), seen(3, rows, seed=8)):
        assert sum(other[row] != first[row] for row in rows) > 8
    split = EncodedSplit(Path("encoded/aside/train.arrow"))
    assert sum(first[row][1] == split.extra_inputs(row) for row in rows) < 6  # and not as it is encoded


@pytest.mark.usefixtures("project")
def test_the_words_that_are_asked_for_are_hidden_and_no_others() -> None:
    split = EncodedSplit(Path("encoded/aside/train.arrow"))
    mask = cards_of(Path("encoded/aside"))["aside"]["facts"]["mask"]
    masked = 0
    for row, (ids, side) in seen(3, list(range(40))).items():
        asked = dict(zip(side[::2], side[1::2], strict=True))
        whole = [asked.get(place, number) for place, number in enumerate(ids)]
        known = dict(zip(*[iter(split.extra_inputs(row) or [])] * 2, strict=True))
        ((encoded, _),) = split.sequences(row)
        assert whole == [known.get(place, number) for place, number in enumerate(encoded.tolist())]
        masked += sum(ids[place] == mask for place in asked)
    assert masked > 25


@pytest.mark.usefixtures("project")
def test_tasks_of_the_same_rows_are_altered_each_in_its_own_way_and_others_not_at_all() -> None:
    split, mood = (EncodedSplit(Path(f"encoded/{name}/train.arrow")) for name in ("aside", "mood"))
    cards = cards_of(Path("encoded/aside")) | cards_of(Path("encoded/mood"))
    cards["twin"] = cards["aside"] | {"task": "twin"}
    splits = augmented({"aside": split, "twin": split, "mood": mood}, cards, 7, 3)
    pairs = [(splits["aside"].extra_inputs(row), splits["twin"].extra_inputs(row)) for row in range(12)]
    assert sum(one != other for one, other in pairs) > 8
    assert splits["mood"] is mood


def test_rows_of_one_step_are_altered_each_in_its_own_way(tiny_project: Path) -> None:
    mask_token(tiny_project / "encoder")
    texts = [f"good great plane was late at {one} from {other} to" for one in WORDS for other in WORDS[:2]]
    add_task(tiny_project, "masked_lm", [{"text": text} for text in texts])  # alike but for two words
    encode_project(tiny_project)
    places = {tuple(side[::2]) for _, side in seen(3, list(range(20))).values()}
    assert len(places) > 5


class Stop(Terminal):
    """Interrupts the run as a person would, after a given step."""

    def step(self, seen: Seen) -> None:
        if seen.step == 6:
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.usefixtures("project")
def test_a_run_with_masked_words_that_was_stopped_goes_on_to_the_same_bytes() -> None:
    files = ("model.safetensors", "auxiliary.safetensors")
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop())
    run(params.load(), Path(), Terminal())
    resumed, record = [sha256(MODEL / name) for name in files], read_json(Path("reports/training.json"))
    forget()
    run(params.load(), Path(), Terminal())
    assert [sha256(MODEL / name) for name in files] == resumed
    assert read_json(Path("reports/training.json")) == record


@pytest.mark.usefixtures("project")
def test_each_tasks_own_gradient_is_autograds_with_masked_words_too() -> None:
    """Packed gradients see the encoder's modules alone; that the head reads the embeddings adds nothing."""
    import torch

    from components.training import balancing
    from components.training.step.backward import StepBackward
    from components.training.step.stepper import Stepper
    from tests.training.steps import setup_step

    settings_, _, splits, model = setup_step(Path())
    model.train()
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    chosen = balancing.build(Balancing(combination=Method(method="pcgrad")))
    stepper = Stepper(
        model, sgd, chosen, splits, settings_.training, 7, {"mood": 0.5, "size": 0.5, "aside": 0.5}
    )
    batch = {"mood": np.arange(6), "aside": np.arange(6)}
    backward = StepBackward(stepper, 0, batch)
    losses, gradients = backward.per_task()
    gramian_KK = gradients.gramian()
    flat = []
    for head in losses:
        stepper.model.zero_grad(set_to_none=True)
        for micro in backward.micros():
            means = backward.means(micro)
            if head in means:
                means[head].backward()
        own = [
            p.grad if p.grad is not None else torch.zeros_like(p) for p in stepper.model.encoder.parameters()
        ]
        flat.append(torch.cat([one.flatten().double() for one in own]))
    expected = torch.stack(flat) @ torch.stack(flat).T
    assert "aside" in losses
    np.testing.assert_allclose(gramian_KK, expected.numpy(), rtol=1e-4, atol=1e-8)
