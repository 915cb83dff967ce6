"""Cost: both models in processes of their own, as the service loads them; forks, or a Python that imports it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import params
from components.errors import UserError
from components.evaluation.gate import rules_of, verdict
from components.evaluation.gates.cost import Cost, measure
from tests import anew
from tests.evaluation.gates.conftest import Judge


@pytest.fixture(scope="module", autouse=True)
def forks_of_any_module(tmp_path_factory: pytest.TempPathFactory, forking_python: str) -> Iterator[None]:
    program = anew.python(tmp_path_factory.mktemp("cost") / "bin", forking_python)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(program))
        yield


@pytest.mark.slow
def test_twins_cost_alike_and_a_limit_that_is_exceeded_holds_the_release(
    judge: Judge,
) -> None:
    limits = {"startup": 50, "latency": 50, "memory": 0.5, "size": 1.01}
    found = judge({"cost": {**limits, "starts": 2, "rounds": 3}})
    by_name = {one.what.partition(":")[0]: one for one in found.findings}
    assert list(by_name) == ["size", "startup", "latency", "memory"]
    assert by_name["size"].value == 1 and by_name["size"].rows == 1
    assert by_name["latency"].rows == 6
    low, high = by_name["latency"].interval
    assert 0 < low <= by_name["latency"].value <= high
    assert [name for name, one in by_name.items() if one.outcome == "hold"] == ["memory"]
    assert "times the champion's" in by_name["memory"].why and by_name["memory"].why.endswith("more than 0.5")
    judged = verdict(found, rules_of(params.load()))
    assert judged.verdict in ("HOLD", "REJECT")
    assert judged.of_model == [f"cost: {by_name['memory'].why}"]
    assert judged.of_model[0] in judged.reasons()


@pytest.mark.slow
def test_a_model_that_the_service_cannot_load_is_one_sentence(tmp_path: Path) -> None:
    folders = {"model": tmp_path, "champion": tmp_path}
    with pytest.raises(UserError, match="cannot be loaded as the service does"):
        measure(folders, [], 1)


def test_a_first_release_has_nothing_to_be_measured_beside() -> None:
    from components.evaluation.gates import Models

    assert list(Cost().of_model(None, Models(Path(), None))) == []  # type: ignore[arg-type]
