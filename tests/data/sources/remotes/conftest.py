"""Servers for the whole run, and what every remote's test needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from components.data.sources import remotes
from components.files import read_json
from components.settings.remotes import Remote
from tests import anew
from tests.data.sources.remotes import services
from tests.once import served_once


@pytest.fixture(scope="session")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served_once(tmp_path_factory, "tests.data.sources.remotes.services:postgres") as (port, _):
        yield int(port)


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_once(tmp_path_factory, "tests.data.sources.remotes.services:s3") as (address, _):
        yield address


@pytest.fixture(scope="session")
def hub_python(forking_python: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for PATH, whose `python` forks for a module that may ask a hub, at the address in its environment."""
    return str(anew.python(tmp_path_factory.mktemp("hub") / "bin", forking_python).parent)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[services.Server]:
    folder = tmp_path / "web"
    folder.mkdir()
    with services.web(folder) as server:
        yield server


def declare(**settings: Any) -> Remote:
    return TypeAdapter(Remote).validate_python(settings)


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[Remote], Any]:
    """What version@NAME would write."""

    def ask(remote: Remote) -> Any:
        remotes.version(remote, tmp_path / "version.json")
        return read_json(tmp_path / "version.json")

    return ask


@pytest.fixture
def bring(tmp_path: Path) -> Callable[[Remote], Path]:
    """version@NAME and fetch@NAME; the folder that DVC would keep."""

    def bring(remote: Remote) -> Path:
        remotes.version(remote, tmp_path / "version.json")
        remotes.fetch(remote, tmp_path / "version.json", tmp_path / "downloads/name")
        return tmp_path / "downloads/name"

    return bring
