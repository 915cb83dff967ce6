"""What params.yaml says of the comparison: a mistake is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components import params
from tests.params.messages import complaint

LAST = "packaging: {name: tiny}"


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        ("{seeds: []}", "sharing.seeds: found [], there is no seed; write `sharing: {}` where"),
        ("{seeds: [1, 1]}", "sharing.seeds: found [1, 1], the seeds are not distinct"),
        ("{seeds: [-1]}", "sharing.seeds.0: found -1"),
        ("{seeds: 3}", "sharing.seeds: found 3"),
        ("{seed: [1]}", "sharing.seed: unknown key (did you mean 'seeds'?)"),
    ],
)
def test_a_mistake_is_one_sentence(tiny_project: Path, sharing: str, expected: str) -> None:
    assert expected in complaint(tiny_project, LAST, f"{LAST}\nsharing: {sharing}")


def test_one_task_has_nothing_to_share(tiny_project: Path) -> None:
    settings_file = yaml.safe_load((tiny_project / "params.yaml").read_text())
    settings_file["tasks"] = {"people": settings_file["tasks"]["people"]}
    (tiny_project / "params.yaml").write_text(yaml.safe_dump({**settings_file, "sharing": {}}))
    assert params.load().sharing.seeds == []
    (tiny_project / "params.yaml").write_text(yaml.safe_dump({**settings_file, "sharing": {"seeds": [1]}}))
    expected = "sharing.seeds: there is one task; expected two or more"
    assert expected in complaint(tiny_project, "seeds:", "seeds:")
