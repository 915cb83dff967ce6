"""Settings of further gates that no model could hold, or that mean nothing, are refused before anything trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.params.messages import refusal

NO_MODEL = "agreement.with: no model in 'sources' (config.json is missing)"
CASES: list[tuple[dict[str, Any], str]] = [
    ({"slices": {"floor": {"mood": 2}}}, "slices.floor.mood: found 2, but accuracy is 1 at most; write 0.02"),
    ({"slices": {"floor": {"mod": 0.2}}}, "slices.floor.mod: no task with a gate; expected one of"),
    ({"slices": {"rules": {"bad": {"label": {"is": "down"}}}}},
     "slices.rules.bad.label.is: unknown option; expected one of in, longer_than, matches, not, not_empty"),
    ({"slices": {"rules": {5: {"label": "down"}}}}, "slices.rules.5: found 5, expected a text"),
    ({"slices": {"rules": {"firms": {"tags": ["B-ORG"]}}}}, "slices.rules.firms.tags: rows hold a list there, and no value"),
    ({"slices": {"rules": {"firms": {"tokens": {"not": "acme"}}}}}, "slices.rules.firms.tokens: rows hold a list there"),
    ({"cross_domain": {"tests": {"mood": {"far": {"source": {"path": "params.yaml", "format": "csv"}, "floor": 34}}}}},
     "cross_domain.tests.mood.far.floor: found 34, but accuracy is 1 at most; write 0.34"),
    ({"agreement": {"with": "params.yaml"}}, "agreement.with: no such folder 'params.yaml'"),
    ({"agreement": {"with": "sources"}}, NO_MODEL),
    ({"calibration": {"bins": 1_000_000}}, "calibration.bins: found 1000000"),
    ({"fairness": {"terms": {"he": "she", "She": "they"}}}, "fairness.terms.he: 'she' stands in two places"),
    ({"fairness": {"terms": {"he": "He"}}}, "fairness.terms.he: 'He' stands in two places"),
    ({"fairness": {"terms": {"": "x"}}}, "fairness.terms.: '' is not one word"),
    ({"fairness": {"terms": {"old man": "woman"}}}, "fairness.terms.old man: 'old man' is not one word"),
]  # fmt: skip


@pytest.mark.parametrize(("gates", "said"), CASES, ids=[said[:40] for _, said in CASES])
def test_what_a_further_gate_cannot_mean_is_one_sentence(
    tiny_project: Path, gates: dict[str, Any], said: str
) -> None:
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["evaluation"]["gates"] = gates
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    assert f"evaluation.gates.{said}" in refusal()
