"""`onetrunk reproduce VERSION`: make a release again beside the project, and compare every hash.

A clone stands where the project stood: on the same commit, with the files and the releases of then, and with
an empty cache. Only what came from outside (downloads, files tracked by DVC, the release that training went
on from) is brought; all stages up to the answers of the Bento run, and their hashes in dvc.lock are compared
with the release's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from components.errors import UserError
from components.release import checkout, dvc_cache, registry, tags
from components.release.git import Git
from components.release.registry import Registry, Release
from flows.running import dvc_stage
from flows.running.console import GATE
from flows.running.graph import PROGRAM

LAST = "query"  # the last stage before a release is made
AGAINST_THE_GATE = (GATE, "package", LAST)  # stages that a release by force has not gone through
PACK = (
    "from pathlib import Path; from flows.releases import change; "
    "change.pack(Path(), {!r}); change.record(Path())"
)
FROM_OUTSIDE = ("download", "version", "fetch", "start")  # stages whose outputs are brought, not made
BESIDE = ("comparison",)  # likewise: no release waits for them, but reports show what they have found
Outputs = dict[str, dict[str, str]]  # stage -> its outputs, and DVC's hash of each
PROJECTS = "of-the-project"  # the remote of DVC that is the project's own cache


def run(root: Path, version: str, target: Path | None) -> bool:
    """Make it again in `target`, or in a folder that is removed where all is the same; is it?

    Raises:
        UserError: there is no such release, `target` is there, or a stage failed.
    """
    found = registry.read(root)
    release = found.release(version)
    if target is not None and target.exists():
        raise UserError(f"{target}: it is there already; name a folder that is not")
    folder = target or Path(tempfile.mkdtemp(prefix="onetrunk-reproduce-")) / release.version
    print(f"{release.version} is made again in {folder}", flush=True)
    project = _clone(found, release, folder)
    lock = project / dvc_cache.LOCK
    before = _outputs(lock)
    if not before:
        raise UserError(
            f"{release.version}: taken over from an earlier version, which kept no dvc.lock with it"
        )
    _bring(project, before)
    _bring_compared(found, release, project)
    made = _make(project, release.record.forced)
    differ = list(_differences(before, _outputs(lock), made))
    print("\n".join([*differ, _conclusion(release, made, differ)]))
    if not differ and target is None:
        shutil.rmtree(folder.parent)
    return not differ


def _clone(found: Registry, release: Release, folder: Path) -> Path:
    """The repository as it was when the release was made; the project in it."""
    source = found.git("rev-parse", "--path-format=absolute", "--git-common-dir")
    Git(found.git.project)("clone", "--quiet", "--no-checkout", source, str(folder.absolute()))
    git = Git(folder)
    if release.record.commit:
        git("checkout", "--quiet", "--detach", release.record.commit)
    else:
        git("symbolic-ref", "HEAD", "refs/heads/onetrunk-reproduce")
    git("checkout", "--quiet", "--no-overlay", release.commit, "--", ":/")  # without files that were gone
    git("read-tree", release.record.commit or "--empty")  # outputs are no files of git's to DVC
    project = folder / found.git.prefix
    shutil.rmtree(project / "reports", ignore_errors=True)
    _forget_later(Git(project), release)
    _configure(project, found.git.project.absolute())
    return project


def _configure(project: Path, original: Path) -> None:
    """Let DVC know the remotes of the project's user and, as one more, the project's cache."""
    from dvc.config import Config

    known = Config(os.fspath(original / ".dvc"))
    with Config(os.fspath(project / ".dvc")).edit("local") as local:
        url = dvc_cache.place(original).resolve()
        local["remote"] = {**known["remote"], PROJECTS: {"url": os.fspath(url)}}
        local["core"]["remote"] = known["core"].get("remote", PROJECTS)
        local["cache"]["dir"] = os.fspath(project.absolute() / ".dvc/cache")


def _forget_later(git: Git, release: Release) -> None:
    """Remove the tags of this release and of what came after: the champion is that of then."""
    own = tags.read(git)
    moved = min(tag.number for tag in own if tag.stage == tags.CHAMPION and tag.commit == release.commit)
    earlier = {tag.of for tag in own if tag.stage == tags.CHAMPION and tag.number < moved}
    gone = []
    for name in git("for-each-ref", "--format=%(refname)", "refs/tags").split("\n"):
        number, version = name.rpartition("#")[2], name.rpartition("@")[2]
        later = "#" in name and number.isdecimal() and int(number) >= moved
        if later or ("@v" in name and version not in earlier):
            gone.append(f"delete {name}\n")
    git("update-ref", "--stdin", text="".join(gone).encode())


def _bring(project: Path, stages: Iterable[str]) -> None:
    """What came from outside: from the project's cache, or its remote."""
    wanted = [name for name in stages if _is_from_outside(name) and not name.startswith("version@")]
    wanted += [str(file.relative_to(project)) for file in project.rglob("*.dvc") if file.is_file()]
    if not wanted:
        return
    if _dvc(project, "pull", "--remote", PROJECTS, *wanted).returncode != 0:
        done = _dvc(project, "pull", *wanted)
        if done.returncode != 0:
            raise UserError(
                f"dvc pull: {' '.join(done.stderr.split())}; `dvc pull` in the project, then again"
            )


def _is_from_outside(stage: str) -> bool:
    return stage.partition("@")[0] in (*FROM_OUTSIDE, *BESIDE)


def _bring_compared(found: Registry, release: Release, project: Path) -> None:
    """The releases that it was compared with, from where the project has them."""
    if (against := release.record.against) is None:
        return
    anchors = found.release(against.release).record.anchors.values()
    for one in found.releases(sorted({against.release, *anchors})):
        kept = project / checkout.FOLDER / one.record.bundle
        shutil.copytree(found.folder(one), kept, dirs_exist_ok=True)


def _make(project: Path, forced: str | None) -> list[str]:
    """Run the stages, but for those from outside; their names. Of a release that was `forced` those before
    the gate, which lets the model through now as little as then: it is packed as it was."""
    code = f"from flows.running import graph; print(*graph.read().up_to('{LAST}').upstream, sep='\\n')"
    listed = _call([sys.executable, "-c", code], project)
    if listed.returncode != 0:
        why = (listed.stderr.strip() or "nothing was said").splitlines()[-1]
        raise UserError(f"{project}: its stages cannot be read: {why.rpartition('UserError: ')[2]}")
    left_out = FROM_OUTSIDE if forced is None else (*FROM_OUTSIDE, *AGAINST_THE_GATE)
    stages = [name for name in listed.stdout.split("\n") if name and name.partition("@")[0] not in left_out]
    done = _dvc(project, "repro", "--single-item", *stages)
    if done.returncode != 0:
        said = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if line.strip()][-8:]
        raise UserError(f"{project}: a stage failed: {' | '.join(said)}")
    return stages if forced is None else [*stages, *_forced(project, forced)]


def _forced(project: Path, reason: str) -> list[str]:
    """Have the gate judge, and the model packed against its word; the stage that this stands for."""
    _dvc(project, "repro", "--single-item", GATE)
    done = _call([sys.executable, "-c", PACK.format(reason)], project)
    if done.returncode != 0:
        why = (done.stderr.strip() or "nothing was said").splitlines()[-1]
        raise UserError(f"{project}: it cannot be packed as it was: {why.rpartition('UserError: ')[2]}")
    return [AGAINST_THE_GATE[1]]


def _differences(before: Outputs, after: Outputs, made: Sequence[str]) -> Iterator[str]:
    for stage in made:
        old, new = before.get(stage, {}), after.get(stage, {})
        for path in sorted(old | new):
            if old.get(path) != new.get(path):
                yield f"{stage}: {path} is {new.get(path, 'missing')}, was {old.get(path, 'not there')}"


def _outputs(lock: Path) -> Outputs:
    stages = yaml.safe_load(lock.read_bytes())["stages"] if lock.is_file() else {}
    return {
        name: {out["path"]: out.get("md5", "") for out in stage.get("outs", ())}
        for name, stage in stages.items()
    }


def _conclusion(release: Release, made: Sequence[str], differ: Sequence[str]) -> str:
    if any(line.startswith(f"{PROGRAM}: ") for line in differ):
        return f"{len(differ)} outputs differ: this program is not the one of then; install that to compare"
    if differ:
        return f"{len(differ)} outputs differ; the first of them is where it began"
    return f"{len(made)} stages made the same bytes again, the Bento of {release.version} among them"


def _dvc(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _call([sys.executable, "-m", "dvc", *arguments], project)


def _call(command: list[str], project: Path) -> subprocess.CompletedProcess[str]:
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**dvc_stage.environment(project.absolute()), "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
