"""What `onetrunk gc` leaves: whatever names a file of DVC's cache, and wherever, keeps it."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import dvc_cache, moves, registry
from flows.releases import gc
from tests.release import bentos
from tests.release.bentos import git, repository

pytestmark = pytest.mark.slow  # dozens of git processes each


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two releases, of which the working tree names the second."""
    return bentos.two_releases(tmp_path / "project")


def put(project: Path, content: str) -> Path:
    """A file in DVC's cache."""
    cache = dvc_cache.place(project)
    return dvc_cache.file_of(cache, bentos._keep(cache / "files/md5", content.encode()))


def name(project: Path, content: str, where: str = "x.dvc") -> None:
    """A file in DVC's cache, and one of the project that names it."""
    file = put(project, content)
    (project / where).parent.mkdir(exist_ok=True)
    (project / where).write_text(f"outs:\n- md5: {''.join(file.parts[-2:])}\n  path: x\n")


def commit(project: Path, *what: str) -> None:
    git(project, "add", "--all", *(what or (".",)))
    git(project, "commit", "-q", "-m", "more")


def below_a_folder(project: Path) -> None:
    """Rows that were changed since."""
    for content in ("before", "after"):
        name(project, content, "data/rows.csv.dvc")
        commit(project)


def on_a_branch_whose_files_were_not_merged(project: Path) -> None:
    git(project, "checkout", "-q", "-b", "side")
    name(project, "aside")
    commit(project)
    git(project, "checkout", "-q", "main")
    (project / "more.txt").write_text("more\n")
    commit(project)
    git(project, "merge", "-q", "--strategy=ours", "side", "-m", "merged")
    git(project, "branch", "-q", "-D", "side")
    git(project, "reflog", "expire", "--expire=now", "--all")


def in_a_merge_alone(project: Path) -> None:
    for branch in ("side", "main"):
        git(project, "checkout", "-q", *(["-b"] if branch == "side" else []), branch)
        (project / f"{branch}.txt").write_text("more\n")
        commit(project)
    git(project, "merge", "-q", "--no-commit", "side")
    name(project, "merged", "data/rows.csv.dvc")
    commit(project)
    git(project, "checkout", "-q", "--detach", "HEAD^")  # main is that merge, which no commit has followed


def in_a_commit_without_parents(project: Path) -> None:
    """As that of a release that was taken over."""
    git(project, "checkout", "-q", "--orphan", "alone")
    name(project, "first")
    commit(project)
    git(project, "checkout", "-q", "main")


def in_the_index(project: Path) -> None:
    name(project, "staged")
    git(project, "add", "x.dvc")
    (project / "x.dvc").unlink()


def in_the_second_stash(project: Path) -> None:
    for content in ("stashed", "stashed too"):
        name(project, content, "data/rows.csv.dvc")
        git(project, "stash", "-q", "--include-untracked")


def in_another_working_tree(project: Path) -> None:
    tree = project.with_name("tree")
    git(project, "worktree", "add", "-q", "--detach", str(tree))
    name(project, "elsewhere")
    (project / "x.dvc").rename(tree / "x.dvc")


def where_the_project_stood_before(project: Path) -> None:
    name(project, "undone", "data/rows.csv.dvc")
    commit(project)
    git(project, "reset", "-q", "--hard", "HEAD^")


def in_the_copy_that_a_torn_lock_is_restored_from(project: Path) -> None:
    """Here, and where another working tree has the cache."""
    name(project, "kept", ".onetrunk/dvc.lock.good")
    tree = project.with_name("tree")
    git(project, "worktree", "add", "-q", "--detach", str(tree))
    name(project, "kept there", ".onetrunk/moved")
    (tree / ".onetrunk").mkdir()
    (project / ".onetrunk/moved").rename(tree / ".onetrunk/dvc.lock.good")


@pytest.mark.parametrize(
    "named",
    [
        below_a_folder,
        on_a_branch_whose_files_were_not_merged,
        in_a_merge_alone,
        in_a_commit_without_parents,
        in_the_index,
        in_the_second_stash,
        in_another_working_tree,
        where_the_project_stood_before,
        in_the_copy_that_a_torn_lock_is_restored_from,
    ],
    ids=lambda f: f.__name__,
)
def test_what_is_named_stays(project: Path, named: Callable[[Path], None]) -> None:
    named(project)
    waste = put(project, "of a run that was rejected")
    assert gc.find(project).objects == [waste]


def test_a_copy_goes_that_no_release_in_a_stage_has_and_that_dvc_has_whole(project: Path) -> None:
    for bundle in ("c", "b", "d", "e"):  # the second release's bundle is the fourth's, too
        bentos.release(project, bundle)
    assert copies(project) == ["b", "c"]
    moves.promote("v1.0.3", "", project)
    assert copies(project) == ["c", "d"]
    weights = next(
        file for file in dvc_cache.place(project).rglob("*") if file.is_file() and file.read_bytes() == b"c"
    )
    weights.unlink()
    assert copies(project) == ["d"]


def copies(project: Path) -> list[str]:
    """The bundles whose copies would go."""
    return sorted(folder.name for folder in gc.find(project).folders)


@pytest.mark.parametrize(("lock", "sentence"), [(".onetrunk/run.lock", "another run is going on"), (".dvc/tmp/lock", "DVC is at work here")])  # fmt: skip
def test_what_a_run_in_another_working_tree_writes_into_the_same_cache_is_not_removed(
    project: Path, lock: str, sentence: str
) -> None:
    """It is named when its stage has ended."""
    tree = project.with_name("tree")
    git(project, "worktree", "add", "-q", "--detach", str(tree))
    (tree / ".dvc").mkdir(exist_ok=True)
    waste = put(project, "of a stage that goes on there")
    (tree / lock).parent.mkdir(exist_ok=True)
    with (tree / lock).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (tree / ".dvc/config.local").write_text(f"[cache]\n    dir = {project}/.dvc/cache\n")
        with pytest.raises(UserError, match=f"^{tree}.*{sentence}"):
            gc.run(project, confirmed=True)
    assert waste.is_file()
    gc.run(project, confirmed=True)
    assert not waste.is_file()


def test_a_project_that_was_moved_in_its_repository_keeps_what_it_named_before(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    shutil.copytree(top, top / "old", ignore=shutil.ignore_patterns(".git", "old"))
    name(top / "old", "before")
    commit(top)
    (top / "old/x.dvc").unlink()
    (top / "old").rename(top / "new")
    commit(top)
    assert not gc.find(top / "new").objects


def test_a_working_tree_that_was_removed_names_nothing(project: Path) -> None:
    tree = project.with_name("tree")
    git(project, "worktree", "add", "-q", "--detach", str(tree))
    shutil.rmtree(tree)  # git still lists it
    assert not gc.find(project).objects


def test_the_working_tree_of_a_submodule_is_looked_at(tmp_path: Path) -> None:
    """Git names its folder in .git of the outer repository."""
    inner, outer = repository(tmp_path / "inner"), repository(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "below")
    name(outer / "below", "not committed yet")
    assert not gc.find(outer / "below").objects


@pytest.mark.parametrize("variable", ["LITERAL", "GLOB"])
def test_what_paths_mean_to_the_user_changes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (project / "dvc.lock").unlink()
    below_a_folder(project)
    monkeypatch.setenv(f"GIT_{variable}_PATHSPECS", "1")
    assert not gc.find(project).objects
    assert bentos.release(project, "c").release == "v1.0.2"


@pytest.mark.parametrize("how", ["absolute", "relative", "a link"])
def test_a_cache_that_projects_share_is_not_swept(
    project: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = project.with_name("shared")
    shutil.move(project / ".dvc/cache", shared)
    if how == "a link":
        (project / ".dvc/cache").symlink_to(shared)
    else:
        folder = shared if how == "absolute" else "../../shared"
        (project / ".dvc/config.local").write_text(f"[cache]\n    dir = {folder}\n")
    put(project, "of another project")
    gc.run(project, confirmed=False)
    said = capsys.readouterr().out
    assert said.startswith(f"nothing to free\n{shared}: DVC's cache lies outside of the project")


def test_where_commits_are_missing_here_what_they_name_stays(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clone made shallow has the tags and not the commits between them."""
    below_a_folder(project)
    clone = project.with_name("clone")
    git(project.parent, "clone", "-q", "--depth=1", f"file://{project}", str(clone))
    git(clone, "fetch", "-q", "--depth=1", "--tags")
    shutil.copytree(project / ".dvc/cache", clone / ".dvc/cache")
    gc.run(clone, confirmed=True)
    assert ": this clone lacks commits (`git fetch --tags --unshallow`), which" in capsys.readouterr().out
    kept = {file.name for file in dvc_cache.place(clone).rglob("*")}
    assert kept == {file.name for file in dvc_cache.place(project).rglob("*")}


def test_where_it_is_not_known_what_a_folder_held_nothing_is_freed(project: Path) -> None:
    put(project, "of a run that was rejected")
    listing = next((project / ".dvc/cache").rglob("*.dir"))
    listing.write_text(listing.read_text()[:-9])
    with pytest.raises(UserError, match=r"\.dir: its bytes are not those that DVC kept; remove it"):
        gc.find(project)


def test_where_git_has_lost_what_named_them_nothing_is_freed(project: Path) -> None:
    blob = git(project, "rev-parse", "tiny@v1.0.0:dvc.lock")
    (project / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UserError, match=f"blob {blob}, which named bytes, is lost"):
        gc.find(project)


@pytest.mark.parametrize(("path", "md5"), [("../../../../outside.txt", ""), ("inside.txt", "../outside.txt")])
def test_a_listing_that_leads_out_of_its_folder_is_not_followed(project: Path, path: str, md5: str) -> None:
    """The listing's own hash is right, as that of a release that somebody else has pushed."""
    found = registry.read(project)
    assert found.champion
    cache = dvc_cache.place(project)
    held = dvc_cache.listing(cache, found.champion.record.bento) or {}
    held[path] = md5 or next(iter(held.values()))
    listing = json.dumps([{"md5": md5, "relpath": path} for path, md5 in held.items()]).encode()
    oid = bentos._keep(cache / "files/md5", listing, ".dir") + ".dir"
    with pytest.raises(UserError, match="which is no file of the folder that it lists"):
        dvc_cache.copy(cache, oid, project / ".onetrunk/releases/made/bento")
    assert not list(project.parent.rglob("outside.txt"))


def test_a_lock_that_names_no_hash_names_no_file() -> None:
    for md5, expected in (("..//etc/passwd", None), ("0" * 32, "0" * 32)):
        lock = f"stages: {{a: {{outs: [{{path: page, md5: '{md5}'}}]}}}}"
        assert dvc_cache.recorded(lock.encode(), "page") == expected


@pytest.mark.parametrize("variable", ["DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "XDG_CONFIG_HOME"])
def test_the_cache_may_be_named_for_all_projects_of_a_user_or_a_machine(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    settings = project.with_name("settings")
    file = settings / ("dvc/config" if variable.startswith("XDG") else "config")
    file.parent.mkdir(parents=True)
    file.write_text("[cache]\n    dir = ~/of all\n")
    monkeypatch.setenv(variable, str(settings))
    monkeypatch.setenv("HOME", str(project.parent))
    assert dvc_cache.place(project) == project.with_name("of all")
    (project / ".dvc/config").write_text('[cache]\n    dir = "own, here"  # quoted by DVC\n')
    assert dvc_cache.place(project) == project / ".dvc/own, here"


@pytest.mark.parametrize("torn", ["\0\0\0", "[core\nx"])
def test_a_torn_configuration_of_dvcs_is_one_sentence(project: Path, torn: str) -> None:
    (project / ".dvc/config").write_text(torn)
    with pytest.raises(UserError, match=r"\.dvc/config: DVC's configuration cannot be read: "):
        gc.find(project)
