"""Commands that need room say so before they begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError
from flows.running import prefect_server
from tests import disks


def test_a_server_of_the_runs_own_is_not_started_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`notify` and `monitor` start one as well; it died without a word."""
    monkeypatch.delenv(prefect_server.URL, raising=False)
    with disks.small(tmp_path / "small", "size=1m") as folder:
        monkeypatch.setenv("PREFECT_HOME", str(folder / "prefect"))
        with pytest.raises(UserError, match=r"1\.0 MB free on this disk, and a run needs 10 and more"):
            prefect_server.start()
