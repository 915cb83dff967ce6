"""The graph is DVC's own; mistakes in it are one sentence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.errors import UserError
from flows.running import graph, remote_versions
from flows.running.graph import Graph
from tests.conftest import build_project
from tests.flows import toy

DIAMOND = Graph(
    upstream={
        "source": frozenset(),
        "short": frozenset({"source"}),
        "left": frozenset({"source"}),
        "right": frozenset({"left"}),
        "sink": frozenset({"short", "right"}),
    },
    changed=frozenset({"left"}),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = toy.make(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
def test_the_stages_of_the_pipeline_itself_are_read_in_an_order_that_can_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(toy.CHECKOUT)
    upstream = graph.read().upstream
    order = list(upstream)
    assert {"ingest@sentiment", "validate@ner", "train", "release"} <= set(order)
    assert upstream["plan"] >= {"encode@sentiment", "data_gate"}
    assert all(
        order.index(parent) < order.index(name) for name, parents in upstream.items() for parent in parents
    )


@pytest.mark.slow
def test_tasks_train_alone_only_where_seeds_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = toy.make(tmp_path / "project", (toy.CHECKOUT / "dvc.yaml").read_text())
    monkeypatch.chdir(project)
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("sharing: {}\n", ""))  # the key may be missing
    off = set(graph.read().upstream)
    (project / "params.yaml").write_text(params.replace("sharing: {}", "sharing: {seeds: [1, 2]}"))
    whole = graph.read()
    upstream = whole.upstream
    tasks = ("sentiment", "news_topic", "ner", "intensity", "similarity", "tweet_ner")
    alone = {f"alone@{task}-seeds" for task in tasks}
    assert set(upstream) - off == alone | {"budget@seeds", "joint@seeds", "comparison@seeds"}
    assert not any("@seeds" in name or "-seeds" in name for name in off)
    assert upstream["alone@ner-seeds"] == {
        "ingest@ner",
        "encode@ner",
        "budget@seeds",
        "encoder",
        "program",
    }
    assert upstream["comparison@seeds"] == alone | {"joint@seeds", "program"}
    assert set(whole.up_to("release").upstream) <= off  # no release waits for a comparison


@pytest.mark.usefixtures("project")
def test_edges_lead_from_a_stage_to_what_it_reads() -> None:
    read = graph.read()
    assert read.upstream["plan"] == {"fetch@left", "fetch@right"}
    assert read.upstream["side"] == {"fetch@left"}
    assert read.upstream["fetch@left"] == frozenset()
    assert read.changed == set(read.upstream)


def test_what_follows_from_a_change_is_stale_and_nothing_else() -> None:
    assert DIAMOND.stale == {"left", "right", "sink"}


def test_the_distance_is_the_longest_way_to_the_end() -> None:
    assert DIAMOND.distance == {"source": 3, "left": 2, "right": 1, "short": 1, "sink": 0}


def test_up_to_keeps_what_a_stage_needs() -> None:
    assert list(DIAMOND.up_to("right").upstream) == ["source", "left", "right"]


def test_an_unknown_stage_gets_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"dvc.yaml: no stage 'rigth' \(did you mean 'right'\?\)"):
        DIAMOND.up_to("rigth")


@pytest.mark.parametrize(
    ("dvc", "sentence"),
    [
        ("stages:\n  a: {cmd: x, outs: [a.txt]\n", r"'dvc.yaml'.*line 3: "),
        ("stages:\n  a: {cmd: x, dep: [b.txt]}\n", r"dvc.yaml'.*extra keys not allowed.*dep"),
        ("stages:\n  a:\n    cmd: x ${nope}\n", r"'stages.a.cmd' in 'dvc.yaml': Could not find 'nope'"),
        (
            "stages:\n  a: {cmd: x, deps: [b.txt], outs: [a.txt]}\n"
            "  b: {cmd: x, deps: [a.txt], outs: [b.txt]}\n",
            r"dvc.yaml: .*stages: (a, b|b, a)",
        ),
    ],
    ids=["broken YAML", "unknown key", "unknown parameter", "cycle"],
)
def test_a_broken_pipeline_is_one_sentence(project: Path, dvc: str, sentence: str) -> None:
    (project / "dvc.yaml").write_text(dvc)
    with pytest.raises(UserError, match=sentence) as raised:
        graph.read()
    assert "\n" not in str(raised.value)


def test_the_lock_gets_the_order_of_dvc_repro_and_keeps_its_entries(project: Path) -> None:
    lock = project / "dvc.lock"
    entry = "    cmd: x\n    outs:\n    - path: {0}.txt\n      hash: md5\n      md5: aabb\n      size: 1\n"
    lock.write_text(
        "schema: '2.0'\nstages:\n"
        + "".join(f"  {name}:\n{entry.format(name)}" for name in ("sink", "short", "left"))
    )
    graph.settle_lock(["short"], DIAMOND)
    assert graph.locked_stages() == ["short", "left", "sink"]
    assert lock.read_text() == "schema: '2.0'\nstages:\n" + "".join(
        f"  {name}:\n{entry.format(name)}" for name in ("short", "left", "sink")
    )


PROGRAM = """
stages:
  program: {cmd: python -m components.stages.program, always_changed: true, outs: [program]}
  declare: {cmd: cp program/declare.json a.txt, deps: [program/declare.json], outs: [a.txt]}
  train: {cmd: cp program/train.json b.txt, deps: [program/train.json], outs: [b.txt]}
  gate: {cmd: cp b.txt c.txt, deps: [program/gate.json, b.txt], outs: [c.txt]}
"""


@pytest.mark.slow
def test_another_program_makes_stale_what_its_changed_lines_can_reach(
    tmp_path: Path, forking_python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "earlier"
    for package in ("components", "serving"):
        shutil.copytree(toy.CHECKOUT / package, earlier / package)
    with (earlier / "components/training/run/loop.py").open("a") as file:
        file.write("EARLIER = 1\n")
    project = toy.make(tmp_path / "project", PROGRAM)
    monkeypatch.chdir(project)

    def changed_after_a_run_of(program: Path) -> set[str]:
        environment = toy.environment(PYTHONPATH=str(program))
        environment["PATH"] = f"{forking_python}:{environment['PATH']}"
        subprocess.run([f"{forking_python}/python", "-m", "dvc", "repro", "-q"], check=True, env=environment)
        return set(graph.read().changed)

    assert set(graph.read().changed) == {"program", "declare", "train", "gate"}
    assert changed_after_a_run_of(earlier) == {
        "program",
        "train",
    }  # gate follows, if train writes another model
    assert set(graph.read().stale) == {
        "program",
        "declare",
        "train",
        "gate",
    }  # until `program` has been asked
    for name, value in toy.environment().items():
        monkeypatch.setenv(name, value)
    assert remote_versions.ask(project, graph.read()).stale == {"train", "gate"}
    assert changed_after_a_run_of(toy.CHECKOUT) == set()
    shutil.rmtree("accepted")  # on which `declare` depends, and which `program` makes
    assert set(graph.read().changed) == {"program"}


ENCODER = """
stages:
  program: {cmd: python -m components.stages.program, always_changed: true, outs: [program]}
  encoder:
    cmd: python -m components.stages.encoder
    always_changed: true
    deps: [program/encoder.json, downloads]
    outs:
      - models/encoder: {cache: false, persist: true}
      - models/encoder.json: {cache: false, persist: true}
  encode: {cmd: cp models/encoder/tokenizer.json a.txt, deps: [models/encoder/tokenizer.json], outs: [a.txt]}
"""


@pytest.mark.slow
def test_the_encoder_is_asked_without_a_process_and_what_is_the_same_leaves_the_rest_alone(
    tmp_path: Path, tiny_encoder: Path, forking_python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = toy.make(tmp_path / "project", ENCODER)
    build_project(project, tiny_encoder)
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(f"remotes: {{}}\n{text}")
    monkeypatch.chdir(project)

    def ran() -> set[str]:
        command, environment = [f"{forking_python}/python", "-m", "dvc", "repro"], toy.environment()
        environment["PATH"] = f"{forking_python}:{environment['PATH']}"
        done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        return {line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")}

    assert graph.read().changed >= {"encoder", "encode"}
    assert ran() == {"program", "encoder", "encode"}
    assert graph.read().stale == set()  # though DVC calls both always changed
    (project / "encoder/notes.txt").touch()
    assert graph.read().stale == set()
    shutil.move("encoder", "../elsewhere")
    moved = text.replace("encoder: encoder", "encoder: ../elsewhere")
    (project / "params.yaml").write_text(f"remotes: {{}}\n{moved}")
    assert graph.read().stale == {"encoder", "encode"}
    assert ran() == {"program", "encoder"}
    assert graph.read().stale == set()
    tokenizer = Path("../elsewhere/tokenizer.json")
    tokenizer.write_text(tokenizer.read_text().replace("late", "soon"))
    assert graph.read().stale == {"encoder", "encode"}
    assert ran() == {"program", "encoder", "encode"}
