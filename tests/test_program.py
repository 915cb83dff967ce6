"""What a stage can reach, and that a changed line makes stale exactly the stages that can reach it.

The other computation is made from bytecode, where the program's own is made from syntax trees; what real
runs of the stages import is in tests/test_program_runs.py.
"""

from __future__ import annotations

import ast
import dis
import re
import shutil
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from components import program
from tests.programs import DERIVED, ROOT, TASKS, in_place_of_the_program

BY_NAME = {  # what is imported by a name that settings hold
    "components.families": r"components\.families\.\w+\.family",
    "components.evaluation.gates": r"components\.evaluation\.gates\.\w+",
    "components.model.runtimes": r"components\.model\.runtimes\.\w+",
    "components.monitoring.detectors": r"components\.monitoring\.detectors\.\w+",
    "components.tracking": r"components\.tracking\.loggers\.\w+",
    "components.training.balancing": r"components\.training\.balancing\.(weights|combinations)\.\w+",
    "components.training.optimisers": r"components\.training\.optimisers\.\w+",
    "components.training.regularisation": r"components\.training\.regularisation\.\w+",
    "components.data.mixture.budgets": r"components\.data\.mixture\.budgets\.\w+",
    "components.data.sources.formats": r"components\.data\.sources\.formats\.\w+",
    "components.data.sources.remotes": r"components\.data\.sources\.remotes\.\w+",
}


def _read_again(file: Path) -> None:
    """The file has another text, and no other file has."""
    for name, module in program.modules().items():
        if module.path == file:
            program.modules()[name] = program._module(file)
    for name in DERIVED:
        getattr(program, name).cache_clear()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program that may be changed; what a file says is found once for all copies of it."""
    for package in program.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    in_place_of_the_program(tmp_path, monkeypatch)
    monkeypatch.setattr(program, "_remember", lambda: None)
    return tmp_path


def stale_after(copy: Path, file: str, line: str) -> set[str]:
    """The stages (of a task: stage/task) whose files differ once `line` stands at the end of `file`."""
    before = program.written(TASKS)
    text = (copy / file).read_text()
    (copy / file).write_text(f"{text}\n{line}\n")
    _read_again(copy / file)
    after = program.written(TASKS)
    (copy / file).write_text(text)
    _read_again(copy / file)
    return {str(path.with_suffix("")) for path in before if before[path] != after[path]}


def imported(code: types.CodeType) -> Iterator[str]:
    """The names that compiled code imports, in functions too."""
    steps = list(dis.get_instructions(code))
    for place, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            names = steps[place - 1].argval or ()
            yield step.argval
            yield from (f"{step.argval}.{name}" for name in names)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from imported(inner)


def by_bytecode() -> dict[str, set[str]]:
    """module -> modules that a line of it imports."""
    files = [file for package in program.PACKAGES for file in (ROOT / package).rglob("*.py")]
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files}
    names = {name.removesuffix(".__init__"): file for name, file in names.items()}
    edges = {}
    for name, file in names.items():
        code = compile(file.read_text().replace("if TYPE_CHECKING:", "if False:"), str(file), "exec")
        edges[name] = set(imported(code)) & names.keys()
    return edges


def reach(edges: dict[str, set[str]], stage: str, families: set[str] | None) -> set[str]:
    barred = tuple(f"{part}." for part in (*program.NEVER_FOLLOWED, *program.NOT_FOLLOWED.get(stage, ())))

    def by_name(module: str) -> set[str]:
        found = {name for name in edges if module in BY_NAME and re.fullmatch(BY_NAME[module], name)}
        chosen = module == "components.families" and families is not None
        return {name for name in found if not chosen or name.split(".")[2] in families}

    reached: set[str] = set()
    waiting = {f"components.stages.{stage}"} | ({"serving.service"} if stage == "package" else set())
    while waiting:
        name = waiting.pop()
        reached.add(name)
        found = edges[name] | by_name(name) | ({name.rpartition(".")[0]} - {""})
        waiting |= {one for one in found - reached if not f"{one}.".startswith(barred)}
    return reached


def expected(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """module -> the files of program/ that must differ when it changes."""
    result: dict[str, set[str]] = {name: set() for name in edges}
    every = {family for own in TASKS.values() for family in own}
    for stage in program.stages():
        tasks = TASKS if stage in program.PER_TASK else {"": None if stage == "package" else every}
        for task, families in tasks.items():
            for name in reach(edges, stage, families):
                result[name].add(f"{stage}/{task}" if task else stage)
    return result


@pytest.mark.slow
def test_a_changed_module_makes_exactly_the_stages_stale_that_can_import_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change imports nothing, so what reaches what, and the digests of all other files, are found once."""
    wanted = expected(by_bytecode())
    digest_of, closure = program._digest_of, cache(program.closure)
    changed = Path()

    def digest(path: Path, exact: bool) -> str:
        return (digest_of.__wrapped__ if path == changed else digest_of)(path, exact)

    def closed(
        *roots: str, families: set[str] | None = None, without: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        return tuple(closure(*roots, families=families and frozenset(families), without=without))

    monkeypatch.setattr(program, "_digest_of", digest)
    monkeypatch.setattr(program, "closure", closed)
    monkeypatch.setattr(program, "files", cache(program.files))
    before = program.described(TASKS)
    assert wanted.keys() == program.modules().keys()
    for name, module in list(program.modules().items()):
        changed, text, imports = module.path, module.path.read_text(), module.source.imports
        changed.write_text(f"{text}\nCHANGED = 1\n")
        program.modules()[name] = program._module(changed)
        assert program.modules()[name].source.imports == imports
        after = program.described(TASKS)
        stale = {str(path.with_suffix("")) for path in before if before[path] != after[path]}
        assert stale == wanted[name], name
        changed.write_text(text)
        program.modules()[name] = module


SPLIT = "components/data/encoding/split.py"


@pytest.mark.slow
def test_a_change_where_train_and_evaluate_read_rows_makes_them_stale(copy: Path) -> None:
    stale = stale_after(copy, SPLIT, "CHANGED = 1")
    assert {"encode/mood", "encode/people", "train", "evaluate"} <= stale
    assert not stale & {"ingest/mood", "validate/mood", "baseline/mood", "curves", "gate", "declare"}


@pytest.mark.slow
def test_the_settings_of_commands_are_in_no_stages_file() -> None:
    own = {f"components/settings/{name}.py" for name in ("search", "monitor", "rollout", "retrain")}
    for stage in ("ingest", "train", "package"):
        assert not own & program.of_stage(stage).keys()
    assert "components/settings/feedback.py" in program.of_stage("package")  # the Bento carries it


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [
        "components/search/study.py",
        "components/monitoring/detectors/surge.py",
        "components/data/propose/choose.py",
        "components/params/checks/tasks.py",
        "components/program.py",
    ],
)
def test_what_no_stage_runs_makes_no_stage_stale(copy: Path, file: str) -> None:
    assert stale_after(copy, file, "CHANGED = 1") == set()


def test_a_student_is_not_taught_anew_because_of_how_models_are_released_or_served() -> None:
    reached = program.closure("components.stages.compress")
    above = tuple(f"components.{room}" for room in ("release", "model.runtimes", "evaluation"))
    assert [name for name in reached if name.startswith(above)] == []


@pytest.mark.slow
def test_a_family_makes_the_stages_of_its_tasks_stale_and_those_of_all_tasks(copy: Path) -> None:
    stale = stale_after(copy, "components/families/tagging/family.py", "CHANGED = 1")
    assert {"ingest/people", "encode/people", "train", "evaluate", "package"} <= stale
    assert not any(name.endswith("/mood") for name in stale)
    assert stale_after(copy, "components/families/ordinal/family.py", "CHANGED = 1") == {"package"}


@pytest.mark.slow
def test_a_family_needs_no_init(copy: Path) -> None:
    """A folder with a family.py is one, as Python imports it; what else lies there is the family's own."""
    folder = copy / "components/families/classification"
    (folder / "__init__.py").unlink()
    (folder / "words.txt").write_text("good\n")
    program.modules.cache_clear()
    own = program.of_stage("encode", {"classification"})
    other = program.of_stage("encode", {"tagging"})
    files = {"components/families/classification/family.py", "components/families/classification/words.txt"}
    assert files <= own.keys()
    assert not files & other.keys()


@pytest.mark.slow
def test_a_template_makes_the_stage_stale_that_draws_it(copy: Path) -> None:
    assert stale_after(copy, "components/evaluation/page.html.jinja", "<p>") == {"gate"}
    assert stale_after(copy, "serving/page.html.jinja", "<p>") == {"package"}
    drawing = {"gate", "curves", "data_gate", "comparison", "package"}
    assert stale_after(copy, "components/pages/style.css", "p { color: red }") == drawing


@pytest.mark.slow
@pytest.mark.parametrize("line", ["# a comment", '"""not a docstring, a statement"""\n', "\n\n"])
def test_a_comment_is_a_change_of_the_bento_alone_for_it_carries_the_files(copy: Path, line: str) -> None:
    changed = stale_after(copy, "components/model/multitask.py", line)
    assert changed == ({"package"} if "statement" not in line else changed)
    assert ("train" in changed) == ("statement" in line)


@pytest.mark.slow
def test_a_docstring_is_no_reason_to_train_again(copy: Path) -> None:
    file = copy / "components/training/run/loop.py"
    before = program.of_stage("train")
    text = file.read_text()
    file.write_text(text.replace('"""', '"""Said otherwise. ', 1))
    _read_again(file)
    assert program.of_stage("train") == before
    file.write_text(text + "CHANGED = 1\n")
    _read_again(file)
    assert program.of_stage("train") != before


def test_what_only_type_checkers_import_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_place_of_the_program(tmp_path, monkeypatch)
    (tmp_path / "components").mkdir()
    for name in ("only_types", "keyed"):
        (tmp_path / f"components/{name}.py").touch()
    (tmp_path / "components/files.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import components.only_types\n"
        "else:\n    import components.keyed\n"
    )
    found = program.closure("components.files")
    assert "components.keyed" in found
    assert "components.only_types" not in found


@pytest.mark.slow
def test_every_import_by_name_says_where_the_module_lies() -> None:
    """Or the closure would miss it: a constant, or an f-string that begins with the package."""
    for module in program.modules().values():
        for node in ast.walk(ast.parse(module.path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if "import_module" in (getattr(called, "attr", ""), getattr(called, "id", "")):
                pattern = program._pattern(node.args[0], module.name)
                assert pattern.startswith(program.PACKAGES)
                assert program._found(pattern), (module.name, pattern)
                assert module.name in BY_NAME, module.name


@pytest.mark.slow
def test_no_stage_reads_the_settings_of_commands() -> None:
    """Their modules in components.settings are not followed, which is right as long as this holds."""
    for stage in program.stages():
        for name in program.closure(
            f"components.stages.{stage}", without=program.NOT_FOLLOWED.get(stage, ())
        ):
            if name != "components.settings.project":
                text = program.modules()[name].path.read_text()
                assert not re.search(r"\bproject\.(search|monitor|rollout|retrain)\b", text), name


def test_every_stage_of_the_pipeline_depends_on_its_file_and_on_no_code() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(stages) - {"program"} == set(program.stages())
    for name, stage in stages.items():
        body = stage.get("do", stage)
        commands = body["cmd"] if name == "program" else ["python -m flows.running.outputs", body["cmd"]]
        assert commands[0] == "python -m flows.running.outputs"  # before any stage removes what it finds
        assert commands[1].startswith(f"python -m components.stages.{name}")
        deps = [str(dep) for dep in body.get("deps", [])]
        assert not [dep for dep in deps if dep.startswith(("components", "serving", "flows"))]
        if name != "program":
            key = {"alone": "/${item.task}"}.get(name, "/${key}") if name in program.PER_TASK else ""
            assert f"program/{name}{key}.json" in deps
