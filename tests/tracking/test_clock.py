"""Times for people."""

from __future__ import annotations

import pytest

from components.tracking.clock import rough


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "about 1 second"),
        (1.6, "about 2 seconds"),
        (5000, "about 83 minutes"),
        (7200, "about 2.0 hours"),
        (360_000, "about 4.2 days"),
        (1e9, "about 11,574.1 days"),
    ],
)
def test_a_rough_time_is_in_the_unit_that_a_person_would_take(seconds: float, said: str) -> None:
    assert rough(seconds) == said
