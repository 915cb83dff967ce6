"""A test set that has served many verdicts is said to wear out. Synthetic evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluation import wear
from components.evaluation.records import Evaluation, ModelId
from components.files import write_json
from tests import verdicts


def evidence(model: str, test_set: str | None) -> Evaluation:
    head = verdicts.head("accuracy", verdicts.measured()).model_copy(update={"test_set": test_set})
    return Evaluation(model=ModelId(sha256=model), champion=None, confidence=0.95, tasks={"t": head})


def test_models_that_were_judged_by_a_test_set_are_counted_each_once(tmp_path: Path) -> None:
    assert wear.read(tmp_path) is None
    for model in ("a", "b", "a"):
        wear.note(tmp_path, evidence(model, "rows"), budget=1)
    wear.note(tmp_path, evidence("c", "other rows"), budget=1)
    wear.note(tmp_path, evidence("c", None), budget=1)
    known = wear.read(tmp_path)
    assert known
    assert {name: one.models for name, one in known.sets.items()} == {"rows": ["a", "b"], "other rows": ["c"]}
    assert "its test set has served 2 verdicts, more than 1" in str(wear.worn(known, "rows"))
    assert wear.worn(known, "other rows") is None
    assert wear.worn(known, "new rows") is None
    assert wear.worn(None, "rows") is None


def test_counts_of_another_version_say_what_to_do_which_no_run_would(tmp_path: Path) -> None:
    """A run reads them: it would end with this very sentence again."""
    write_json(tmp_path / wear.FILE, {"schema_version": 9})
    with pytest.raises(UserError, match=r"test_sets.json: schema_version: found 9, expected 1.*: remove it"):
        wear.note(tmp_path, evidence("a", "rows"), budget=1)
