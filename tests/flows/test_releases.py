"""`onetrunk releases`, `diff`, `rollback`, `promote` and `gc`, as a person gives them."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from components.release import dvc_cache, moves, registry
from components.release.records import ReleaseRecord
from components.rollout import kept
from components.rollout.records import PLAN, Plan, Target, TrialReport
from flows.releases import change, table
from flows.rollout.service import open_folder
from tests.flows import toy
from tests.release import bentos
from tests.release.bentos import git, release

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forking_commands")]  # git runs, and processes

MANY = 500
SECONDS = 2.0  # of the processor, that a command may take: the clock's, where nothing else is done


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two releases: bundles a and b."""
    return bentos.two_releases(tmp_path / "project")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with hundreds of releases, of which the last two have bytes."""
    project = bentos.repository(tmp_path_factory.mktemp("many") / "project")
    release(project, "a")
    found = registry.read(project)
    assert found.champion
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=project,
        input=stream(found.champion.record, (project / "dvc.lock").read_text()),
        check=True,
        text=True,
    )
    release(project, "last")
    git(project, "pack-refs", "--all")
    return project


def stream(like: ReleaseRecord, lock: str) -> str:
    """What makes `git fast-import` write releases v1.0.1 and on."""
    parts = []
    for number in range(1, MANY - 1):
        version, when = f"v1.0.{number}", 1_700_000_000 + number
        md5 = hashlib.md5(version.encode(), usedforsecurity=False).hexdigest()
        record = like.model_copy(update={"version": version, "bundle": md5[:12], "bento": f"{md5}.dir"})
        who = f"ada <ada@localhost> {when} +0000"
        files = {"release.json": record.model_dump_json(), "dvc.lock": lock.replace("true", version)}
        parts.append(f"commit refs/made/{number}\nmark :{number}\ncommitter {who}\n{data(version)}")
        parts += [f"M 100644 inline {name}\n{data(text)}" for name, text in files.items()]
        for tag in (f"tiny@{version}", f"tiny#champion#{number + 10}"):
            parts.append(f"tag {tag}\nfrom :{number}\ntagger {who}\n{data(f'onetrunk release {version}')}")
    return "".join(parts)


def data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def onetrunk(project: Path, *arguments: str, code: int = 0) -> str:
    done = toy.onetrunk(project, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


def quick(project: Path, *arguments: str) -> str:
    """The command's output, of which it may have taken so many seconds of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy, "python", sys.executable)  # what is measured is no fork
        said = onetrunk(project, *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert took < SECONDS, f"{arguments}: {took:.1f} s"
    return said


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("releases", "and 480 more"),
        ("releases --json", '"version": "v1.0.7"'),
        ("diff v1.0.1 v1.0.400", "params.yaml: the same"),
        ("status", "champion  v1.0.499"),
        ("gc", "free"),
        ("rollback --to v1.0.0", "v1.0.0 is the champion again"),
        (f"promote v1.0.{MANY - 1}", f"v1.0.{MANY - 1} is the champion"),
    ],
)
def test_a_command_answers_within_two_seconds_on_hundreds_of_releases(
    many: Path, command: str, expected: str
) -> None:
    assert expected in quick(many, *command.split())


def test_gto_reads_the_tags_and_agrees_about_champion_and_previous(project: Path) -> None:
    moves.promote("v1.0.0", "bad", project, "rollback")
    release(project, "c")
    trial = {"candidate": "v1.0.2", "bundle": "c", "beside": "v1.0.0", "promotion": 1, "kind": "shadow"}
    kept.keep(
        registry.read(project),
        [TrialReport(**trial, share=1.0, state="passed", began="2026-11-29", ended="2026-11-30")],
    )
    code = "from gto.cli import app; app()"
    said = subprocess.run(
        [sys.executable, "-c", code, "show", "tiny", "--json"], cwd=project, capture_output=True, text=True
    )
    stages = {one["version"]: [stage["stage"] for stage in one["stages"]] for one in json.loads(said.stdout)}
    assert stages["v1.0.2"] == ["champion"]
    assert sorted(stages["v1.0.0"]) == ["anchor", "previous"]
    said = subprocess.run(
        [sys.executable, "-c", code, "history", "tiny"], cwd=project, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert "assignment" in said.stdout


def test_the_table_shows_verdict_tasks_and_stages(project: Path) -> None:
    moves.promote("v1.0.0", "bad", project, "rollback")
    first, second = toy.onetrunk(project, "releases", COLUMNS="160").stdout.splitlines()[1:]
    assert (first.split()[0], first.split()[3], first.split()[-3:]) == (
        "v1.0.1",
        "PROMOTE",
        ["rolled", "back:", "bad"],
    )
    assert second.split()[-2:] == ["champion,", "anchor"]


def test_a_reason_is_shown_as_its_words(project: Path) -> None:
    onetrunk(project, "rollback", "--reason", "see [/issue]\x1b[31m\x1f 7,\nby \udcff Ada")
    for command in ("status", "releases"):
        assert "see [/issue] [31m 7, by Ada" in toy.onetrunk(project, command, COLUMNS="200").stdout
    first = json.loads(onetrunk(project, "releases", "--json"))[0]
    assert (first["stages"], first["rolled_back"]) == (["rolled back"], "see [/issue] [31m 7, by Ada")


def test_what_asked_for_a_release_stands_below_the_table_as_a_sentence(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bentos.write_bento(project / "bento", "c", "c")
    bentos.track(project)
    against = registry.champion(hashlib.sha256(b"c").hexdigest(), project)
    verdict = bentos.write_verdict(project, against=against)
    moves.release(project / "bento", verdict, project, because="the alarm of a day: " + "it moved, " * 30)
    table.show(project, 20, as_json=False)
    said = capsys.readouterr().out
    assert "v1.0.2 was asked for by the alarm of a day: it moved, it moved" in said
    assert len(said.splitlines()) < 15  # not a word a line


def test_two_clones_that_released_at_once_are_told_apart_and_one_takes_the_others_champion(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has released twice; a fetch alone brings what has no tag of the same name here."""
    other = project.with_name("other")
    git(project, "add", "dvc.lock")
    git(project, "commit", "-q", "-m", "as released")
    git(project.parent, "clone", "-q", str(project), str(other))
    shutil.copytree(project / ".dvc/cache", other / ".dvc/cache")
    for bundle in ("theirs", "theirs2", "theirs3"):
        release(project, bundle)
    release(other, "ours")
    git(other, "tag", "mine")
    table.show(other, 20, as_json=False)
    assert "mixed" not in capsys.readouterr().out
    with pytest.raises(AssertionError, match="would clobber existing tag"):
        git(other, "fetch", "--tags")
    table.show(other, 20, as_json=False)
    said = capsys.readouterr().out
    assert "v1.0.3 was compared with another v1.0.2 than the one here: the tags of two clones" in said
    command = re.findall(r"git (fetch --force --prune REMOTE .*)", said)[0].replace("REMOTE", "origin")
    git(other, *shlex.split(command))
    assert registry.read(other).line == registry.read(project).line
    assert "mine" in git(other, "tag").split()
    assert release(other, "ours").release == "v1.0.5"


def test_a_project_without_releases_says_how_to_make_one(tmp_path: Path) -> None:
    project = bentos.repository(tmp_path / "project")
    assert "`onetrunk run` makes one" in onetrunk(project, "releases")
    assert "nothing has been released yet" in onetrunk(project, "rollback", code=2)


def test_a_rollback_goes_to_the_release_before_and_says_what_is_left_to_do(project: Path) -> None:
    said = onetrunk(project, "rollback", "--reason", "it says nonsense")
    assert said.startswith("v1.0.0 is the champion again, not v1.0.1")
    assert "`onetrunk serve` takes it over within seconds" in said
    assert "rolled back: v1.0.1" in onetrunk(project, "status")
    assert re.search(
        r"rollback \S+ \d\d:\d\d by .*: it says nonsense",
        toy.onetrunk(project, "status", COLUMNS="200").stdout,
    )
    assert "it says nonsense" in git(project, "for-each-ref", "--format=%(contents)", "refs/tags")
    assert (
        "v1.0.0 is the only champion that was not rolled back; there is none to go back to; --to takes one that was: v1.0.1"
        in onetrunk(project, "rollback", code=2)
    )


@pytest.mark.parametrize("content", [b"tasks: [\n", b"\xff", b"", b"nonsense: 1\n", None])
def test_a_rollback_waits_for_nobody_to_mend_the_settings(project: Path, content: bytes | None) -> None:
    (project / "dvc.yaml").write_bytes(b"\xff")
    if content is None:
        (project / "params.yaml").unlink()
    else:
        (project / "params.yaml").write_bytes(content)
    assert "v1.0.0 is the champion again, not v1.0.1" in onetrunk(project, "rollback")
    assert "v1.0.1 is the champion, instead of v1.0.0" in onetrunk(project, "promote", "v1.0.1")
    assert "champion" in onetrunk(project, "releases")


def test_a_promotion_makes_a_champion_where_the_tags_of_none_have_come(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As from a remote that protects the tags of stages, or after somebody has removed them."""
    git(project, "tag", "-d", *(name for name in git(project, "tag").split() if "#" in name))
    assert registry.read(project).champion is None
    change.promote(project, "1.0.1", "")
    assert capsys.readouterr().out.startswith("v1.0.1 is the champion\n")
    assert registry.read(project).line == ["v1.0.1"]


def test_a_rollback_to_what_is_nowhere_changes_nothing(project: Path) -> None:
    shutil.rmtree(project / ".onetrunk")
    shutil.rmtree(project / ".dvc/cache")
    assert "neither DVC's cache nor its remote has its bytes" in onetrunk(project, "rollback", code=2)
    assert registry.read(project).line[-1] == "v1.0.1"
    assert "v9: no release of this version; there is v1.0.1, v1.0.0" in onetrunk(
        project, "rollback", "--to", "v9", code=2
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "promote: which release?"),
        (["--force"], "promote: --force needs a --reason"),
        (["--force", "--reason", " "], "promote: --force needs a --reason"),
        (["v1.0.0", "--force", "--reason", "x"], "so it needs no --force"),
        (["1.0.7"], "1.0.7: no release of this version"),
    ],
)
def test_a_promotion_that_says_too_little_is_one_sentence(
    project: Path, arguments: list[str], sentence: str
) -> None:
    assert sentence in onetrunk(project, "promote", *arguments, code=2)


def put(project: Path, ids: dict[str, list[str]]) -> dict[str, object]:
    """The rows of the task mood in DVC's cache; its output as dvc.lock has it."""
    cache, entries = dvc_cache.place(project), []
    for split, own in ids.items():
        file = project / "rows.parquet"
        pq.write_table(pa.table({"id": own}), file)
        entries.append(
            {"md5": bentos._keep(cache / "files/md5", file.read_bytes()), "relpath": f"{split}.parquet"}
        )
        file.unlink()
    md5 = bentos._keep(cache / "files/md5", json.dumps(entries).encode(), ".dir")
    return {"path": "data/mood", "hash": "md5", "md5": f"{md5}.dir"}


def test_a_comparison_says_which_settings_rows_and_metrics_changed(project: Path) -> None:
    for bundle, train, seed in (("c", ["1", "2", "3"], 2), ("d", ["2", "3", "4", "5"], 3)):
        (project / "params.yaml").write_text(yaml.safe_dump({"seed": seed, "training": {"tokens": 9}}))
        bentos.write_bento(project / "bento", bundle, bundle)
        bentos.track(project)
        lock = yaml.safe_load((project / "dvc.lock").read_text())
        lock["stages"]["ingest@mood"] = {
            "outs": [put(project, {"train": train, "validation": [], "test": ["9"]})]
        }
        (project / "dvc.lock").write_text(yaml.safe_dump(lock))
        against = registry.champion(registry.model_of(project / "bento"), project)
        moves.release(project / "bento", bentos.write_verdict(project, against=against), project)
    said = onetrunk(project, "diff", "v1.0.2", "1.0.3")
    assert "  seed: 2 -> 3\n" in said
    assert "training" not in said
    assert "  mood: train +2 -1\n" in said
    assert "metrics of the gates: the same" in said
    said = onetrunk(project, "diff", "v1.0.1", "v1.0.2")
    assert "  training.tokens: - -> 9\n" in said
    assert (
        "  mood: changed; DVC's cache does not have the rows of both" in said
    )  # the first has no such output


def test_disk_that_nothing_needs_is_named_first_and_freed_on_demand(project: Path) -> None:
    release(project, "c")
    cache = dvc_cache.place(project) / "files/md5"
    git(project, "add", "dvc.lock")
    wasted = bentos._keep(cache, b"of a run that was rejected")
    before = registry.read(project)
    said = onetrunk(project, "gc")
    assert said.startswith("would free 1 file of DVC's cache that no commit names (0.0 MB); go on with: ")
    assert dvc_cache.file_of(dvc_cache.place(project), wasted).is_file()
    moves.promote("v1.0.2", "", project)
    release(project, "d")
    release(project, "e")  # now b and c are in no stage
    served = open_folder(project)
    Plan(champion=Target(release="v1.0.1", bundle="b")).write(served / PLAN)
    assert onetrunk(project, "gc").startswith("would free 1 folder of releases in no stage")
    shutil.rmtree(served)
    assert onetrunk(project, "gc", "--yes").startswith("freed 2 folders of releases in no stage")
    assert not dvc_cache.file_of(dvc_cache.place(project), wasted).exists()
    assert "nothing to free" in onetrunk(project, "gc")
    assert onetrunk(project, "gc", "--yes") == "nothing to free\n"
    for one in before.releases(sorted(before.versions)):
        before.folder(one)  # every release can still be had
