"""What is looked at of a long file stands for all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.propose import Wishes, guess
from components.data.propose.profile import drawn


@pytest.mark.parametrize("period", range(1, 9))
@pytest.mark.parametrize("rows", [1, 199, 200, 201, 1000, 4800])
def test_labels_that_take_turns_are_all_seen(rows: int, period: int) -> None:
    found = drawn([(number, {"label": number % period}) for number in range(rows)], 200)
    assert len(found) <= 200
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    assert {fields["label"] for _, fields in found} == {number % period for number in range(rows)}


def test_a_sorted_file_is_seen_from_end_to_end() -> None:
    found = drawn([(number, {}) for number in range(10_000)], 200)
    assert [number // 50 for number, _ in found] == list(range(200))


@pytest.mark.slow
def test_a_file_whose_labels_take_turns_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (f"the words of text {number},{['up', 'down', 'level'][number % 3]}" for number in range(6000))
    Path("rows.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    assert guess("rows.csv", Wishes(name="new")).entry.keys["family"] == "classification"
