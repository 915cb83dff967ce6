"""Two releases, and a worker that answers with the first of them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.rollout.records import Target
from serving import bundle, loading, rollover, watch
from serving.loaded import Loaded
from serving.releases import Releases
from tests.flows.rollout.two_bentos import replace_model
from tests.serving.own_metrics import own_metrics
from tests.serving.rollover.working import told


@pytest.fixture(scope="session")
def targets(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Target]:
    """Two releases."""
    other = Path(shutil.copytree(bento, tmp_path_factory.mktemp("other") / "bento"))
    replace_model(other, 1)
    folders = (bento, other)
    return [Target(release=f"v1.0.{n}", bundle=str(one / "src/bundle")) for n, one in enumerate(folders)]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    with own_metrics():
        yield
    bundle.answer_with(bundle.PACKED)


@pytest.fixture
def worker(targets: list[Target], tmp_path: Path) -> rollover.Rollover:
    """One that answers with the first of them."""
    found = rollover.Rollover(Releases(Loaded(loading.served(targets[0]), watch.metrics().of_pass)), tmp_path)
    told(found, targets[0])
    return found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed besides."""
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr(rollover, "time", clock)
    return passed


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No release that is loaded answers its examples before the test's end."""
    ended = threading.Event()
    monkeypatch.setattr(loading, "ask", lambda *_: ended.wait(60))
    monkeypatch.setattr(loading, "PAUSE", 0.01)
    yield
    ended.set()
