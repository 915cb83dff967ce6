"""Synthetic traffic of three days: the third has other words."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import Writer
from components.settings.traffic import Traffic

TEXTS = 60  # a day
SETTINGS = {"reference_rows": TEXTS, "min_rows": 30, "days_between_false_alarms": 20}


def three_days(folder: Path, tokenizer: Path, first: datetime, release: str = "v1") -> None:
    """What a service of the release would have recorded from `first` on."""
    draw, maker = np.random.default_rng(5), RowMaker(tokenizer, {}, release, Traffic())
    for day, letters in enumerate(["abcdefgh", "abcdefgh", "stuvwxyz"]):
        writer = Writer(Traffic(folder=str(folder)), str(day))
        for _ in range(TEXTS):
            text = " ".join("".join(draw.choice(list(letters), 4)) for _ in range(6))
            row = maker.row(float(draw.uniform()), [text], {})
            writer.add([{**row, "time": first + timedelta(days=day)}])
        writer.flush()
