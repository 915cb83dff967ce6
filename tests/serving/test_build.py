import ast
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from components import program
from components.errors import UserError
from components.files import verify_manifest
from components.program import ROOT
from components.release import commit
from components.release.git import Git
from serving.build import build
from tests.serving import tiny

pytestmark = pytest.mark.slow

NAMES_THE_COMMIT = {"bento.yaml", "manifest.json", "src/bentofile.yaml"} | {
    f"src/bundle/{name}" for name in ("README.md", "card.json", "manifest.json", "sbom.cdx.json")
}


@pytest.fixture(scope="module")
def project(bento: Path) -> Path:
    return bento.parent / "project"


def contents(folder: Path) -> dict[str, bytes]:
    """All files but those that Python leaves beside code that has run."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_bento_is_as_old_as_its_commit(project: Path, bento: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "project")
    git = Git(tmp_path / "project")
    git("init", "--quiet")
    made = commit.of_files(git, {"a": b"a"}, [], "one", 1_700_000_000)
    git("update-ref", "HEAD", made)
    assert build(tmp_path / "project", tiny.PACKAGING, tmp_path / "one").commit == made
    described = yaml.safe_load((tmp_path / "one/bento.yaml").read_text())
    assert described["creation_time"] == datetime.fromtimestamp(1_700_000_000, UTC)
    found, without = contents(tmp_path / "one"), contents(bento)  # which is of no commit
    differ = {name for name in found.keys() | without.keys() if found.get(name) != without.get(name)}
    assert differ == NAMES_THE_COMMIT


def test_the_bento_stands_for_itself(bento: Path) -> None:
    text = "\n".join(content.decode("utf-8", "replace") for content in contents(bento).values())
    assert str(ROOT) not in text
    assert "onetrunk-build-" not in text
    assert not list(bento.rglob("__pycache__"))
    assert not list(bento.rglob("*.pkl"))


def test_the_bento_runs_its_own_code_even_in_the_checkout(bento: Path) -> None:
    load = "import sys, bentoml; bentoml.load(sys.argv[1]); import serving.service as s; print(s.__file__)"
    done = subprocess.run([sys.executable, "-c", load, str(bento)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1:] == [str(bento / "src/serving/service.py")], done.stderr


@pytest.mark.parametrize("verdict", ["HOLD", "REJECT"])
def test_nothing_is_packaged_without_promotion(
    verdict: str, bento: Path, project: Path, tmp_path: Path
) -> None:
    tiny.write_verdict(project, verdict)
    try:
        with pytest.raises(UserError, match=f"the verdict is {verdict}, expected PROMOTE"):
            build(project, tiny.PACKAGING, tmp_path / "bento")
    finally:
        tiny.write_verdict(project, "PROMOTE")
    assert not list(tmp_path.iterdir())


MOMENTS = ("tmp/onetrunk-build-*/home", "out/.bento.*")  # BentoML builds, and it is moved into place


def test_killed_builds_leave_nothing_half_and_the_next_one_gives_the_same_bytes(
    project: Path, bento: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    target = tmp_path / "out/bento"
    for moment in MOMENTS:
        child = os.fork()
        if not child:
            os.setsid()
            build(project, tiny.PACKAGING, target)
            os._exit(0)
        while os.waitpid(child, os.WNOHANG) == (0, 0) and not list(tmp_path.glob(moment)):
            time.sleep(0.001)
        os.killpg(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        if target.exists():
            verify_manifest(target)
    build(project, tiny.PACKAGING, target)
    assert contents(target) == contents(bento)
    assert [path.name for path in target.parent.iterdir()] == ["bento"]


def test_the_image_has_the_pins_and_no_compilers_and_listens_to_its_network(bento: Path) -> None:
    """The service itself listens to loopback unless it is told."""
    dockerfile = bento / "env/docker/Dockerfile"
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "error", dockerfile], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    text = dockerfile.read_text()
    assert "FROM python:3.11-slim AS base-container\n" in text
    assert "apt-get" not in text
    assert "ARG BENTOML_HOST=0.0.0.0\n" in text
    assert "ARG UV_TORCH_BACKEND=cpu\n" in text
    assert "uv --directory $INSTALL_ROOT pip install -r $BENTO_PATH/env/python/requirements.txt" in text
    pins = (bento / "env/python/requirements.txt").read_text().splitlines()
    assert all("==" in line for line in pins if not line.startswith("#"))
    service = yaml.safe_load((bento / "bento.yaml").read_text())["services"][0]
    assert service["config"]["http"]["host"] == "127.0.0.1"


def test_the_requirements_are_the_locks_lines_of_what_the_service_imports() -> None:
    """That they are enough is shown by the service of tests/serving/conftest.py, which has no others."""
    ours = lines(ROOT / "serving/requirements.txt")
    assert ours <= lines(ROOT / "requirements.lock")
    whose = importlib.metadata.packages_distributions()
    roots = {whose[name][0] for name in imported(program.closure("serving.service")) - NEVER_LOADED}
    assert {name for name, _ in ours} == closure(roots - of_extras()) - {"setuptools"}


# Of rows that are checked, of baselines and of differences between models; a service has none of these.
NEVER_LOADED = {"great_expectations", "pandas", "scipy", "sklearn"}


def of_extras() -> set[str]:
    """What is imported where somebody has installed it; a Bento that needs it adds it to the pins."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return {Requirement(line).name for name, lines in extras.items() if name != "dev" for line in lines}


def imported(modules: Iterable[str]) -> set[str]:
    """The libraries that these modules import, at the top or in a function."""
    found = set[str]()
    for module in modules:
        for node in program._running(ast.parse(program.modules()[module].path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(program.PACKAGES)


def lines(path: Path) -> set[tuple[str, str]]:
    text = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {(canonical(line.split("==")[0]), line) for line in text}


def closure(roots: set[str]) -> set[str]:
    """The installed distributions that `roots` need, and they themselves."""
    seen: set[str] = set()
    todo = [(name, ("",)) for name in roots]
    while todo:
        name, extras = todo.pop()
        if canonical(name) in seen:
            continue
        seen.add(canonical(name))
        for requirement in map(Requirement, importlib.metadata.requires(name) or []):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                todo.append((requirement.name, ("", *requirement.extras)))
    return seen


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
