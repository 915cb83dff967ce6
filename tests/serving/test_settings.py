"""What a service is told by its environment is looked at before it has workers."""

from __future__ import annotations

import pytest

from components.errors import UserError
from components.release.variables import FEEDBACK, TRAFFIC
from serving import settings


@pytest.mark.parametrize(
    ("variable", "given", "sentence"),
    [
        (TRAFFIC, "monitoring/traffic", "ONETRUNK_TRAFFIC: Invalid JSON"),
        (TRAFFIC, '{"folder": 3}', "ONETRUNK_TRAFFIC.folder: Input should be a valid string"),
        (TRAFFIC, '{"days_between_false_alarms": 1e9}', "found 1000000000, expected at most 3650"),
        (FEEDBACK, "[" * 100_000, "ONETRUNK_FEEDBACK: Invalid JSON: recursion limit exceeded"),
        (FEEDBACK, '{"max_bytes": 0}', "expected `feedback` of params.yaml as JSON"),
    ],
)
def test_what_is_no_section_is_one_sentence(
    variable: str, given: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, given)
    with pytest.raises(UserError) as refused:
        settings.check()
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nobody_need_say_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (TRAFFIC, FEEDBACK):
        monkeypatch.setenv(variable, "")
    settings.check()
    assert settings.traffic() is settings.feedback() is None
