"""The runs and the report, for real on the tiny project (synthetic rows, a random encoder)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components import params
from components.comparison import budget, page, report, runs
from components.comparison.records import SharingReport
from components.data.batches.batching import micro_batches
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture import plan
from components.data.mixture.records import PLAN, PlanRecord
from components.files import read_json
from components.settings.project import Sharing
from components.tracking.terminal import Terminal
from components.training.run.fit import Fit
from tests.pages.reading import loaded

HEADS = ["mood", "size", "people", "closeness"]


@pytest.fixture
def compared(encoded_project: Path) -> SharingReport:
    """All the runs of a comparison with two seeds."""
    text = (encoded_project / "params.yaml").read_text().replace("tokens: 12000", "tokens: 1200")
    (encoded_project / "params.yaml").write_text(text + "sharing: {seeds: [3, 4]}\n")
    project = params.load()
    plan.plan(project, Path("encoded"), {}).write(PLAN)
    budget.write(Path())
    for task in project.tasks:
        runs.alone(project, Path(), task)
    runs.joint(project, Path())
    return report.report(project, Path())


@pytest.mark.slow
def test_a_comparison_from_the_runs_to_the_page(
    compared: SharingReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test for all that the runs show: they are what takes time."""
    assert list(compared.tasks) == compared.heads == HEADS
    mood = {seed: read_json(Path("reports/sharing/alone/mood.json"))["mood"][seed] for seed in ("3", "4")}
    joint = read_json(Path("reports/sharing/joint.json"))
    by_hand = [joint[seed]["metrics"]["mood"]["accuracy"] - mood[seed]["accuracy"] for seed in ("3", "4")]
    assert compared.tasks["mood"].by_seed == by_hand  # the metric that the gate names
    means = np.mean([joint[seed]["affinity"]["cosine"] for seed in ("3", "4")], axis=0)
    assert np.array_equal(compared.cosine, means)
    assert sorted(head for group in compared.groups for head in group) == sorted(HEADS)

    project = params.load()
    of_mood = PlanRecord.read(Path("reports/sharing/budgets/mood.json"))
    single = Fit(project, Path(), of_mood, 3, ("size",))
    model, record = single.train(Terminal())
    assert list(model.heads) == ["size"]  # without the head that reads the same rows
    assert record[-1]["step"] == PlanRecord.read(PLAN).steps

    page.write(Path("reports/sharing.html"), compared)
    html = Path("reports/sharing.html").read_text()
    assert compared.grouping_sentence in html
    assert "<script" not in html and loaded(html) == []

    def no_training(*arguments: object) -> None:
        raise AssertionError("this run has ended before")

    monkeypatch.setattr(Fit, "train", no_training)
    before = Path("reports/sharing/alone/mood.json").read_bytes()
    Path("reports/sharing/alone/mood.json").unlink()  # as DVC does before it runs a stage again
    runs.alone(project, Path(), "mood")
    assert Path("reports/sharing/alone/mood.json").read_bytes() == before
    further = project.model_copy(update={"sharing": Sharing(seeds=[3, 4, 5])})
    with pytest.raises(AssertionError, match="ended before"):
        runs.alone(further, Path(), "mood")


@pytest.mark.usefixtures("encoded_project")
def test_a_loss_alone_counts_as_it_is_and_all_runs_are_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the budget is `auto`: no run can know when another one ends."""
    fits: list[Fit] = []
    monkeypatch.setattr(runs, "_once", lambda fit, *_: fits.append(fit) or {})
    plan.plan(params.load(), Path("encoded"), {}).model_copy(update={"cooldown": 0.25}).write(PLAN)
    budget.write(Path())
    project = params.load().model_copy(update={"sharing": Sharing(seeds=[3])})
    runs.alone(project, Path(), "mood")
    runs.joint(project, Path())
    *alone, joint = fits
    assert [fit.heads for fit in alone] == [("mood",), ("size",)]
    assert all(fit.project.training.balancing.weights.method == "equal" for fit in alone)
    assert joint.project.training == project.training
    assert {fit.plan.cooldown for fit in fits} == {None}
    assert {fit.plan.steps for fit in fits} == {joint.plan.steps}


@pytest.mark.usefixtures("encoded_project")
def test_a_head_alone_skips_the_rows_that_lack_its_target() -> None:
    """Every fourth row has no size: not one micro-batch, however small, is without a loss."""
    split = EncodedSplit(Path("encoded/mood/train.arrow"))
    cards = {head: {**card, "task": "mood"} for head, card in cards_of(Path("encoded/mood")).items()}
    batch = {"mood": np.array([0, 0, *range(len(split))])}  # a row may come twice
    size = {"size": cards["size"]}
    found = list(micro_batches({"mood": split}, size, batch, budget=30, packed=True))
    assert all(list(micro.targets) == ["size"] for micro in found)
    known = split.labelled("size")[batch["mood"]]
    assert 0 < known.sum() < len(known)
    assert sum(len(micro.mask_BL) for micro in found) == known.sum()
    both = list(micro_batches({"mood": split}, cards, batch, budget=30, packed=True))
    assert sum(len(micro.mask_BL) for micro in both) == len(batch["mood"])
