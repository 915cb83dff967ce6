"""`onetrunk search`: what is tried, what is kept of it, and what becomes of the user's files."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from components import params
from components.data.validation.records import VALIDATION, BetweenTasks, Validation
from components.errors import UserError
from components.params import searches
from components.search import presets
from components.search import study as studies
from tests.conftest import PARAMS, build_encoder, encode_project, write_sources
from tests.flows import toy

pytestmark = pytest.mark.minutes(0.5)

SEARCH = """\
remotes: {}
start: {champion: {}} # no trial begins so
search:
  rate:
    parameters:
      training.learning_rate: {low: 1e-4, high: 1e-2, log: true}   # of the encoder
      training.balancing.weights: {choices: [static, dwa]}
    trials: 3
"""
# Synthetic: what the real stages write is there already, and `dvc commit` takes it as theirs.
DVC = """\
stages:
  encode:
    cmd: "true"
    deps: [sources]
    outs: [data, encoded, reports/validation.json]
  plan:
    cmd: "true"
    deps: [encoded]
    params: [mixture, training]
    outs: [reports/plan.json]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git and DVC, encoded, with a search that has run."""
    folder = tmp_path_factory.mktemp("search") / "project"
    write_sources(folder / "sources")
    build_encoder(folder / "encoder")
    short = PARAMS.replace("tokens: 12000", "tokens: 4500").replace(
        "checkpoint_every: 5", "checkpoint_every: 2"
    )
    (folder / "params.yaml").write_text(short.replace("evaluate_every: 10", "evaluate_every: 5") + SEARCH)
    (folder / ".gitignore").write_text("/data\n/encoded\n/models\n/reports\n.onetrunk/\n")
    with contextlib.chdir(folder):
        encode_project(folder)
    nothing = BetweenTasks(leaks={}, exclude={})
    Validation(success=True, errors=[], warnings=[], tasks={}, between_tasks=nothing).write(
        folder / VALIDATION
    )
    (folder / "dvc.yaml").write_text(DVC)
    git(folder, "init", "-q")
    git(folder, "config", "user.email", "test@localhost")
    git(folder, "config", "user.name", "test")
    with contextlib.chdir(folder), Repo.init() as repo:
        repo.commit(force=True)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "a project")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def dvc(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env=toy.environment()
    ).stdout


@pytest.fixture(scope="module")
def resumed(made: Path) -> str:
    """The search, killed in its second trial, and then run again: what the second run said."""
    from flows import search as command

    said = io.StringIO()
    with contextlib.chdir(made):
        _killed()
        project = params.load()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            assert command.run(Path.cwd(), project, *presets.find(project, None)) == 0
    return said.getvalue()


KILLED = """
import os, signal, sys
from pathlib import Path

trials = []  # of each checkpoint that was begun

def hook(event, arguments):
    if event == "os.rename" and (step := Path(arguments[1])).match("checkpoints/*/step-*"):
        trials.append(step.parent.name)
        if len(set(trials)) == 2 and trials.count(step.parent.name) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
from flows.cli import main
main(["search"])
"""  # when the second trial has one checkpoint and is about to name its next


def _killed() -> None:
    process = subprocess.run([sys.executable, "-c", KILLED], env=toy.environment(OMP_NUM_THREADS="1"))
    assert process.returncode == -signal.SIGKILL, "the search has ended before it could be killed"


def opened(made: Path, monkeypatch: pytest.MonkeyPatch):
    """The project, its search and its study, from inside its folder."""
    monkeypatch.chdir(made)
    project = params.load()
    name, search = presets.find(project, None)
    identity = studies.identity(project, search, Path(), {})
    return project, name, search, studies.open_study(studies.file_of(Path(), name), identity)


@pytest.mark.slow
def test_a_killed_search_goes_on_where_it_was(
    made: Path, resumed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "search rate: 1 trials ran to their end" in resumed
    assert "trial 1/3" not in resumed
    assert "going on from step" in resumed
    assert "3 trials ran to their end, 0 were ended early, 0 failed" in resumed
    _, _, _, study = opened(made, monkeypatch)
    assert len(study.trials) == 3
    assert not list(Path(".onetrunk/checkpoints").iterdir())
    assert not Path("models/multitask").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("resumed")
def test_each_trial_is_a_dvc_experiment_and_nothing_of_the_users_is_touched(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, _, study = opened(made, monkeypatch)
    shown = json.loads(dvc(made, "exp", "show", "--json"))[1]["experiments"]
    experiments = {row["name"]: row["revs"][0]["data"] for row in shown}
    assert len(experiments) == 3
    for frozen in study.trials:
        data = experiments[f"rate-{study.study_name[:6]}-{frozen.number + 1}"]
        metrics = data["metrics"]["search/metrics.json"]["data"]
        assert metrics["score"] == frozen.value
        assert set(metrics["validation"]) == {"mood", "size", "people", "closeness"}
        training = data["params"]["params.yaml"]["data"]["training"]
        assert training["learning_rate"] == frozen.user_attrs[studies.VALUES]["training.learning_rate"]
    assert git(made, "status", "--porcelain") == ""
    assert git(made, "stash", "list") == ""


@pytest.mark.slow
@pytest.mark.usefixtures("resumed")
def test_the_best_is_taken_into_params_and_the_study_stays_the_same(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows import search as command

    project, name, search, study = opened(made, monkeypatch)
    best, before = studies.best(study)[0], Path("params.yaml").read_text()
    assert best.value == max(trial.value for trial in study.trials)
    try:
        assert command.apply(Path(), project, name, search) == 0
        applied, text = params.load(), Path("params.yaml").read_text()
    finally:
        Path("params.yaml").write_text(before)
    values = best.user_attrs[studies.VALUES]
    assert searches.with_values(applied, {}) == searches.with_values(project, values)
    assert "# of the encoder" in text
    assert studies.identity(applied, search, Path(), {}) == study.study_name
    assert f"training.learning_rate: {values['training.learning_rate']}" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("resumed")
def test_dvc_applies_an_experiment(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _, _, study = opened(made, monkeypatch)
    worst = studies.best(study)[-1]
    try:
        dvc(made, "exp", "apply", f"rate-{study.study_name[:6]}-{worst.number + 1}")
        applied = params.load()
        assert searches.with_values(applied, {}) == searches.with_values(
            project, worst.user_attrs[studies.VALUES]
        )
    finally:
        git(made, "checkout", "-q", "params.yaml")
        git(made, "clean", "-qfd", "search")
    assert git(made, "status", "--porcelain") == ""


@pytest.mark.slow
@pytest.mark.usefixtures("resumed")
def test_other_settings_begin_a_new_study_and_say_so(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows import search as command

    project, name, search, _ = opened(made, monkeypatch)
    other = searches.with_values(project, {"training.clip": 0.5})
    with pytest.raises(
        UserError, match="search.rate: no trial has run to its end; run `onetrunk search rate` first"
    ):
        command.apply(Path(), other, name, search)
    assert "search rate: a new study begins: ranges, other settings, data or code" in capsys.readouterr().out
    assert len(opened(made, monkeypatch)[3].trials) == 3


@pytest.mark.slow
def test_data_that_are_not_what_params_asks_for_are_refused(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import search as command

    project, name, search, _ = opened(made, monkeypatch)
    source = made / "sources/mood.csv"
    before = source.read_bytes()
    source.write_bytes(before + b"good plane,up,\n")
    try:
        with pytest.raises(UserError, match="changed: encode\\); run `dvc repro plan` first"):
            command.run(Path(), project, name, search)
    finally:
        source.write_bytes(before)


def test_without_a_commit_there_is_nothing_for_an_experiment_to_hang_on(tmp_path: Path) -> None:
    from flows import experiments

    git(tmp_path, "init", "-q")
    with pytest.raises(
        UserError, match="git has no commit yet, and an experiment hangs on one; commit the project"
    ):
        experiments.check(tmp_path)


def test_an_experiment_holds_what_the_user_has_not_committed_and_leaves_the_index_alone(
    tmp_path: Path,
) -> None:
    from flows import experiments

    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.email", "test@localhost")
    git(tmp_path, "config", "user.name", "test")
    project = tmp_path / "inner"  # of a larger repository
    project.mkdir()
    for name in ("code.py", "params.yaml", "../outer.txt"):
        (project / name).write_text("committed\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    (project / "code.py").write_text("changed\n")
    (project / "staged.py").write_text("staged\n")
    git(project, "add", "staged.py")
    (project / "untracked.py").write_text("untracked\n")
    before = git(tmp_path, "status", "--porcelain")
    experiments.save(project, "name-1", "trial\n", {"score": 1.0})
    assert git(tmp_path, "status", "--porcelain") == before
    ref = git(tmp_path, "for-each-ref", "--format=%(refname)", "refs/exps").strip()
    files = git(tmp_path, "ls-tree", "-r", "--name-only", ref).split()
    expected = {"code.py": "changed", "params.yaml": "trial", "staged.py": "staged"}
    assert sorted(files) == sorted([*(f"inner/{n}" for n in expected), "inner/search/dvc.yaml",
                                    "inner/search/metrics.json", "outer.txt"])  # fmt: skip
    for name, text in expected.items():
        assert git(tmp_path, "show", f"{ref}:inner/{name}") == f"{text}\n"
    assert git(tmp_path, "rev-parse", f"{ref}^") == git(tmp_path, "rev-parse", "HEAD")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["statik"], "params.yaml: search.statik: no such search (did you mean 'static'?); expected one of static, rate"),
        (["--trials", "0"], "argument --trials: found '0', expected a whole number above 0"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_before_anything_heavy_is_imported(
    made: Path, arguments: list[str], expected: str
) -> None:
    code = (
        "import sys\nfrom flows.cli import main\n"
        f"try: main(['search', *{arguments!r}])\n"
        "finally: print(sorted({'torch', 'optuna', 'dvc', 'sqlalchemy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=made, env=toy.environment(), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "[]\n", f"error: {expected}\n")
