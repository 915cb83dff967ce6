"""What the comparison of joint training with each task alone writes down."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from components.records import Part, Record

REPORT = Path("reports/sharing.json")
Shown = Literal["helps", "harms"]


class Gain(Part):
    """What a head gains by joint training, in its metric's units."""

    metric: str  # of its gate
    joint: float  # mean over the seeds
    alone: float  # likewise
    by_seed: list[float]  # joint less alone, seed by seed
    gain: float  # their mean
    interval: list[float] | None  # low end, high end; null with one seed, or where all agree
    # what is shown, of one among so many heads; null where that is nothing, and in a file of before
    shown: Shown | None = None


class RelativeGain(Part):
    """The mean over the heads of their relative gains (Maninis et al. 2019)."""

    gain: float | None  # null where no head has one
    interval: list[float] | None  # low end, high end; null with one seed, or where all agree
    left_out: list[str]  # heads whose metric alone is not above 0 with every seed


class Grouping(Part):
    """The best division into so many groups."""

    affinity: float  # of it, the more the better
    groups: list[list[str]]  # of heads


class SharingReport(Record):
    """reports/sharing.json: does sharing an encoder help?"""

    seeds: list[int]  # of the runs
    confidence: float  # of every interval
    tasks: dict[str, Gain]  # by head
    delta_m: RelativeGain  # of all heads together
    heads: list[str]  # the order of the matrices that follow
    cosine: list[list[float | None]]  # of the heads' gradients; null where none was measured
    look_ahead: list[list[float | None]]  # by how much a step for one (row) lowers the loss of another
    groups: list[list[str]]  # suggested to train together
    by_number_of_groups: list[Grouping]  # from one group on
    gains_sentence: str  # what the gains say
    grouping_sentence: str  # what is suggested
    caveat: str  # what the suggestion does not rest on
