"""A pruned encoder lacks what matters least, is that much smaller, and answers as a runtime."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components import params
from components.compression import pruned
from components.compression.distil import rows_of_each
from components.compression.pruned import importance, most_important
from components.data.batches.pack import Pack
from components.errors import UserError
from components.model import runtimes, saving
from components.model.narrow import HEADS, NEURONS, keep, units_of
from components.model.packing import packed_states
from components.model.smaller import made, read, whole
from components.settings.compression import COMPRESSED, Pruned
from components.stages import compress
from tests.model.runtimes import build

SETTINGS = Pruned(heads=0.5, neurons=0.75, of_training=0.5, learning_rate=3e-3)
IDS_T, PACK = torch.arange(3, 27), Pack.of((5, 7, 12))


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "modernbert"])
@torch.inference_mode()
def test_an_encoder_without_units_is_the_one_to_which_they_say_nothing(kind: str) -> None:
    model, kept = build(kind), {"heads": [0, 3], "neurons": [1, 5, 40]}
    narrow = whole(model)
    for what, names in (("heads", HEADS), ("neurons", NEURONS)):
        for own, one in zip(units_of(model.encoder, names), units_of(narrow, names), strict=True):
            unheard = torch.ones(own.number, dtype=torch.bool).index_fill(0, torch.tensor(kept[what]), False)
            keep(one, kept[what])
            assert (one.number, one.reader.in_features) == (len(kept[what]), len(kept[what]) * own.width)
            own.reader.weight[:, unheard.repeat_interleave(own.width)] = 0.0
    found_TD, expected_TD = (packed_states(one, IDS_T, None, PACK) for one in (narrow, model.encoder))
    torch.testing.assert_close(found_TD, expected_TD, rtol=1e-4, atol=1e-4)


def test_an_encoder_whose_parts_are_not_known_is_refused() -> None:
    with pytest.raises(UserError, match=r"params\.yaml: compress\.pruned: the parts of albert are not known"):
        units_of(build("albert").encoder, HEADS)


def test_an_encoder_that_does_not_pack_is_refused() -> None:
    """Some are called as BERT's are, part by part: BigBird."""
    with pytest.raises(UserError, match=r"params\.yaml: compress\.pruned: sequences of this encoder cannot"):
        whole(build("deberta"))


def test_the_units_of_all_blocks_are_ranked_together_and_one_of_each_stays() -> None:
    scores = [torch.tensor([5.0, 1.0, 4.0]), torch.tensor([0.2, 0.3, 0.1])]
    assert most_important(scores, 0.5) == [[0, 2], [1]]
    assert most_important(scores, 0.9) == [[0], [1]]
    assert most_important(scores, 0.0) == [[0, 1, 2], [0, 1, 2]]


def test_what_no_task_hears_matters_nothing_and_every_task_counts_alike(project: Path) -> None:
    model = saving.load(saving.MODEL)
    units = [*units_of(model.encoder, HEADS), *units_of(model.encoder, NEURONS)]
    for one in units:
        one.reader.weight.data[:, : one.width] = 0.0
    micros = list(rows_of_each(model, Path(), 0, 64))
    scores = importance(model, units, micros)
    for score in scores:
        assert score[0] == 0
        assert (score[1:] > 0).all()
    assert sum(float(score.sum()) for score in scores) == pytest.approx(len(micros))


@pytest.mark.slow
def test_a_pruned_encoder_learns_is_smaller_and_is_the_same_again(project: Path) -> None:
    with Path("params.yaml").open("a") as file:
        file.write(f"compress: {{pruned: {SETTINGS.model_dump()}}}\n")
    said: list[str] = []
    pruned.make(SETTINGS, Path(), params.load().seed, Path("pruned"), said.append)
    compress.main("pruned")
    losses = [float(line.rpartition(" ")[2]) for line in said if "step" in line]
    assert losses[-1] < 0.7 * losses[0], losses
    file = made(COMPRESSED, "pruned")
    assert Path("pruned/pruned.safetensors").read_bytes() == file.read_bytes()
    model = saving.load(saving.MODEL)
    encoder = read(model, file)
    for names, share in ((HEADS, 0.5), (NEURONS, 0.75)):
        of, left = (sum(one.number for one in units_of(each, names)) for each in (model.encoder, encoder))
        assert left == round((1 - share) * of)
    Path("made").mkdir()
    runtime = runtimes.find("pruned")
    runtime.make(model, Path("made"), COMPRESSED)
    given = (IDS_T, torch.zeros_like(IDS_T), PACK)
    with torch.inference_mode():
        found_TD = runtime.begin(model, Path("made"))(*given)
        torch.testing.assert_close(found_TD, packed_states(encoder, *given), rtol=1e-4, atol=1e-4)
