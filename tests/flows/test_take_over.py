"""`onetrunk upgrade` on a project with the registry of earlier versions (its files as those wrote them)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from components.errors import UserError
from components.evaluation.records import MetricEvidence
from components.files import verify_manifest, write_json
from components.release import registry
from components.release.registry import EARLIER, TAKEN_OVER
from flows.releases import take_over
from tests.flows import toy
from tests.release.bentos import git, manifest_of, write_bento

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forking_commands")]  # git and DVC run

RUN = "from pathlib import Path; from flows.releases import take_over; take_over.run(Path())"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three releases; the first came back as the third, and was rolled back by hand to the second."""
    project = toy.make(tmp_path / "project")
    shutil.copy(toy.CHECKOUT / ".dvcignore", project)  # which names releases/
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "a project")
    write_earlier(project, ["a", "b", "a"], served="b")
    return project


def write_earlier(project: Path, released: list[str], served: str) -> None:
    for bundle in set(released):
        write_bento(project / EARLIER / bundle, bundle, f"model {bundle}")
    entries = [{"release": bundle, "model": f"model {bundle}"} for bundle in released]
    write_json(project / EARLIER / "index.json", {"schema_version": 1, "releases": entries})
    write_json(project / EARLIER / "champion.json", {"schema_version": 1, "release": served})


def bundles(project: Path) -> list[str]:
    """What was released, in its order, and the champion behind it."""
    found = registry.read(project)
    assert found.champion
    released = [found.release(move.of).record.bundle for move in found.moves if move.action == "release"]
    return [*released, found.champion.record.bundle]


def test_every_release_is_taken_over_in_its_order_and_the_champion_kept(project: Path) -> None:
    before = {bundle: manifest_of(project / EARLIER / bundle) for bundle in ("a", "b")}
    take_over.run(project)
    assert bundles(project) == ["a", "b", "a", "b"]
    shutil.rmtree(project / EARLIER)  # as the user may now
    shutil.rmtree(project / ".onetrunk")
    found = registry.read(project)
    for release in found.releases(sorted(found.versions)):
        assert manifest_of(found.folder(release)) == before[release.record.bundle]
    compared = registry.champion("another model", project)
    assert compared is not None
    assert compared.release == "v1.0.1"


def test_a_release_keeps_its_value_by_the_metric_that_the_settings_of_then_gate(project: Path) -> None:
    settings = {
        "tasks": {
            "mood": {"gate": {"metric": "macro_f1"}, "joint": {"topic": {"gate": {"metric": "accuracy"}}}}
        }
    }
    (project / "params.yaml").write_text(yaml.safe_dump(settings))
    git(project, "commit", "-q", "-a", "-m", "another metric")
    measured = {"accuracy": evidence(0.9, None), "macro_f1": evidence(0.8, 0.05)}
    labels = {"mood": ["bad", "good"], "topic": ["art"]}
    head = git(project, "rev-parse", "HEAD")
    for bundle, commit in (("a", head), ("b", None)):
        folder = project / EARLIER / bundle
        write_bento(folder, bundle, f"model {bundle}", labels=labels, metrics=measured, commit=commit)
    take_over.run(project)
    known, unknown = (registry.read(project).release(one).record.tasks for one in ("v1.0.0", "v1.0.1"))
    assert (known["mood"].metric, known["mood"].value, known["mood"].difference) == ("macro_f1", 0.8, 0.05)
    assert (known["topic"].metric, known["topic"].value, known["topic"].difference) == ("accuracy", 0.9, None)
    assert unknown["mood"].value is None  # of two metrics, and no settings that tell which


def test_the_only_metric_of_a_release_is_that_of_its_gate(project: Path) -> None:
    write_bento(project / EARLIER / "b", "b", "model b", metrics={"pearson": evidence(0.7, None)})
    take_over.run(project)
    task = registry.read(project).release("v1.0.1").record.tasks["mood"]
    assert (task.metric, task.value, task.interval) == ("pearson", 0.7, [0.6, 0.8])


def evidence(value: float, gained: float | None) -> MetricEvidence:
    """What was measured by one metric, and what was gained against the champion of then."""
    champion = {"value": 0.7, "difference": gained, "interval": [0.0, 0.1], "p": 0.1} if gained else None
    found = {"value": value, "interval": [0.6, 0.8], "trivial": 0.1, "linear": 0.2, "champion": champion}
    return MetricEvidence.model_validate({**found, "over_trivial": [0, 1], "over_linear": [0, 1]})


def test_what_was_taken_over_is_had_by_dvc_alone(project: Path, tmp_path: Path) -> None:
    take_over.run(project)
    target = tmp_path / "got"
    command = [
        sys.executable,
        "-m",
        "dvc",
        "get",
        str(project),
        "bento",
        "--rev",
        "tiny@v1.0.1",
        "-o",
        str(target),
    ]
    subprocess.run(command, check=True, env=toy.environment())
    assert verify_manifest(target) == verify_manifest(project / EARLIER / "b")


def test_the_command_says_what_it_did_and_then_others_go_on(project: Path) -> None:
    assert "run `onetrunk upgrade` once" in toy.onetrunk(project, "releases").stderr
    take_over.run(project)
    assert "v1.0.1" in toy.onetrunk(project, "releases").stdout


def test_a_damaged_release_ends_it_before_anything_is_written(project: Path) -> None:
    (project / EARLIER / "b/weights").write_text("x")
    with pytest.raises(UserError, match="weights: 1 bytes, expected 0"):
        take_over.run(project)
    assert not git(project, "tag")
    assert not (project / TAKEN_OVER).exists()


def test_a_release_whose_folder_was_removed_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / EARLIER / "a")
    take_over.run(project)
    assert "releases/a: its folder was removed" in capsys.readouterr().out
    assert bundles(project) == ["b", "b"]


@pytest.mark.parametrize(
    ("gone", "what"), [("b", "names b, whose folder"), ("champion.json", "no such file")]
)
def test_a_champion_that_is_gone_is_asked_for_before_anything_is_written(
    project: Path, gone: str, what: str
) -> None:
    file = project / EARLIER / gone
    shutil.rmtree(file) if file.is_dir() else file.unlink()
    with pytest.raises(UserError, match=rf"champion\.json: {what}.*write which release is the champion"):
        take_over.run(project)
    assert not git(project, "tag")
    write_json(project / EARLIER / "champion.json", {"release": "a"})  # as the sentence says
    take_over.run(project)
    assert bundles(project)[-1] == "a"


def test_other_releases_of_git_are_not_mixed_in(project: Path) -> None:
    take_over.run(project)
    (project / TAKEN_OVER).unlink()
    write_earlier(project, ["c"], served="c")
    with pytest.raises(UserError, match="other releases than git"):
        take_over.run(project)


def test_killed_anywhere_the_same_command_goes_on(project: Path) -> None:
    began = time.monotonic()
    whole = shutil.copytree(project, project.with_name("whole"))
    subprocess.run([sys.executable, "-c", RUN], cwd=whole, check=True, env=toy.environment())
    took = time.monotonic() - began
    for part in range(1, 10):
        process = subprocess.Popen([sys.executable, "-c", RUN], cwd=project, env=toy.environment())
        time.sleep(took * part / 10)
        process.kill()
        process.wait()
    subprocess.run([sys.executable, "-c", RUN], cwd=project, check=True, env=toy.environment())
    assert bundles(project) == bundles(whole) == ["a", "b", "a", "b"]
