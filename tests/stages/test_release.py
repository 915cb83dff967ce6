"""What the stage release says besides what was measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.monitoring import retraining
from components.settings.retrain import Retrain
from components.stages import release


def test_what_is_asked_after_the_run_began_is_of_a_later_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    began = datetime.now(UTC) - timedelta(days=9)
    for days, why in ((-1, "an alarm"), (8, "rows")):
        retraining.ask(tmp_path, Retrain(), why, "v1.0.0", {}, began + timedelta(days=days))
    monkeypatch.delenv(retraining.BEGAN, raising=False)
    assert release._because() == "an alarm; rows"
    monkeypatch.setenv(retraining.BEGAN, began.isoformat())
    assert release._because() == "an alarm"
