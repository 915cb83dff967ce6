import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from components.release import query, variables
from components.release.records import BundleCard, Limits
from components.release.variables import FEEDBACK, TRAFFIC
from serving import access, callers
from serving.predictor import Predictor
from tests.environments import make_pinned
from tests.serving.doors import MOST


@pytest.fixture
def only_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a bundle's card the limits are read alone, and nothing is configured."""
    limits = Limits(max_texts=1, max_characters=9, max_body_bytes=9, max_requests_per_client=MOST)
    monkeypatch.setattr(access, "card", lambda: BundleCard.model_construct(limits=limits))
    for name in (variables.TOKEN, variables.TOKEN_FILE, callers.PROXIES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def predictor(bento: Path) -> Predictor:
    return Predictor(bento / "src/bundle")


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the served Bento keeps its log."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def client(bento: Path, scratch: Path) -> Iterator[httpx.Client]:
    """A client of the Bento, served by BentoML in its own processes for the whole session; it records, and
    keeps feedback. The service has what an image has: the libraries that the Bento pins, and no other."""
    python = make_pinned(bento / "env/python/requirements.txt", scratch / "environment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.executable", str(python))
        patch.setenv(TRAFFIC, json.dumps({"folder": str(scratch / "traffic")}))
        patch.setenv(FEEDBACK, json.dumps({"folder": str(scratch / "feedback")}))
        patch.setattr(variables, "ALL", ())  # this one lasts, so it is told what is recorded
        patch.setattr("tempfile.tempdir", str(scratch))
        server = query.running(bento)
        url = server.__enter__()
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield client
    finally:
        server.__exit__(None, None, None)
