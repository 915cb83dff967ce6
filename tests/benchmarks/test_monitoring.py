"""The benchmark of the watch over traffic, over a little of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import monitoring
from components.monitoring.alarm import judge
from components.monitoring.traffic.rows import RowMaker
from components.settings.traffic import Traffic
from tests.serving import tiny


def texts(maker: RowMaker, letters: str, count: int) -> pa.Table:
    draw = np.random.default_rng(count)
    said = [" ".join("".join(draw.choice(list(letters), 3)) for _ in range(5)) for _ in range(count)]
    return pa.Table.from_pylist([maker.row(0.0, [text], {}) for text in said])


def test_windows_without_a_change_are_hardly_ever_alarms_and_a_planted_one_is_found(tmp_path: Path) -> None:
    tiny.write_model(tmp_path / "model")
    maker = RowMaker(tmp_path / "model/tokenizer.json", {}, "v1", Traffic())
    own, other = texts(maker, "abcdefgh", 150), texts(maker, "stuvwxyz", 101)
    assert monitoring._unchanged(own, windows=5, reference=60, size=40) <= 1
    found = [monitoring._found_after(own, other, 60, seed) for seed in range(2)]
    assert found == [monitoring.STEP] * 2
    assert [goal.reached for goal in monitoring._goals(7, 2000, found)] == [None, True, True]
    assert [goal.reached for goal in monitoring._goals(11, 2000, [600])] == [
        None,
        False,
        False,
    ]  # 182, by luck


def test_a_planted_shift_is_looked_for_where_false_alarms_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write_model(tmp_path / "model")
    maker, used = RowMaker(tmp_path / "model/tokenizer.json", {}, "v1", Traffic()), set[float]()
    own = texts(maker, "abcdefgh", 120)

    def judged(*given: Any) -> Any:
        used.add(given[1])
        return judge(*given)

    monkeypatch.setattr(monitoring, "judge", judged)
    monitoring._unchanged(own, windows=1, reference=60, size=40)
    monitoring._found_after(own, texts(maker, "stuvwxyz", 60), 60, 0)
    assert used == {monitoring.BOTH}
