"""The laws of the design that an import shows: who may use what."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from components import program
from tests.trees import tree

ROOT = Path(__file__).parent.parent
TRAINING = {
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "pyarrow",
    "safetensors",
    "pydantic",
    "rich",
    "yaml",
    "tokenizers",
}


@cache
def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def files(*folders: str) -> list[Path]:
    """Ours; a project that `make example` has made is the user's, and of the version it was made with."""
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file for file in found if "project" not in file.relative_to(ROOT).parts]


def test_components_know_neither_prefect_nor_dvc_nor_bentoml() -> None:
    for file in files("components"):
        assert not imported(file) & {"prefect", "dvc", "bentoml", "flows"}, file


@pytest.mark.slow
def test_bentoml_is_imported_under_serving_alone() -> None:
    for file in files("components", "flows"):
        assert "bentoml" not in imported(file), file


@pytest.mark.parametrize("folder", ["components", "flows", "serving"])
def test_nothing_loads_pickle(folder: str) -> None:
    for file in files(folder):
        assert not imported(file) & {"pickle", "cloudpickle", "joblib", "dill"}, file
        assert "torch.load" not in file.read_text(), file


def libraries(root: str) -> set[str]:
    """The libraries that are there once a module of ours is imported, as the lines at the top say."""
    seen, waiting = set[str](), [root]
    while waiting:
        name = waiting.pop()
        file = next((one for one in _files_of(name) if one.is_file()), None)
        if name not in seen and file is not None:  # else a library, or a name in a module
            for node in _at_the_top(ast.parse(file.read_bytes())):
                for imported in program._imports(node, name):
                    parts = imported.split(".")
                    waiting += [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        seen.add(name)
    return {name.partition(".")[0] for name in seen}


def _files_of(module: str) -> list[Path]:
    path = ROOT / module.replace(".", "/")
    return [path.with_suffix(".py"), path / "__init__.py"]


def _at_the_top(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported."""
    waiting = list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def test_a_run_leaves_to_its_stages_what_is_heavy() -> None:
    """Each second of an import is one before the first stage begins."""
    found = libraries("flows.retrain")
    assert {"prefect", "pydantic"} <= found  # the one by the flow, the other by what it imports of ours
    assert not found & {
        "torch",
        "transformers",
        "great_expectations",
        "scipy",
        "sklearn",
        "pandas",
        "bentoml",
    }


def test_who_starts_the_workers_of_a_service_leaves_the_model_to_them() -> None:
    """`bentoml serve` reads the service in a process of its own, which stays; `bentoml build` reads it too."""
    assert not libraries("serving.service") & {"torch", "transformers", "scipy", "onnxruntime", "openvino"}


def test_what_a_service_reads_imports_no_library_that_its_bento_lacks() -> None:
    """Checks of rows alone do, which a service has none of: nothing in it imports them but on demand."""
    lacking = {"great_expectations", "pandas", "scipy", "sklearn", "prefect", "dvc", "expectations"}
    for module in program.closure("serving.service"):
        tree = ast.parse(program.modules()[module].path.read_bytes())
        found = {part for node in _at_the_top(tree) for part in _parts(node, module)}
        assert module.endswith(".expectations") or not found & lacking, module


def _parts(node: ast.AST, module: str) -> set[str]:
    """A library that a line imports, or the names of ours that it does."""
    names = [name.split(".") for name in program._imports(node, module)]
    return {part for parts in names for part in (parts[:1] if parts[0] != "components" else parts[1:])}


@pytest.mark.slow
def test_training_runs_on_a_bare_gpu_box() -> None:
    """What `components.training.run.fit` brings in, beyond the standard library, is the training set of tools."""
    code = (
        "import sys; import components.training.run.fit, components.families as t; [t.get(n) for n in t.names()];"
        "import json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for heavy in ("great_expectations", "prefect", "dvc", "bentoml", "onnxruntime", "openvino"):
        assert f'"{heavy}"' not in done.stdout
    runtimes = ROOT / "components/model/runtimes"  # which answer, and of which a training imports none
    for file in files("components/training", "components/model"):
        if runtimes in file.parents:
            continue
        known = set(sys.stdlib_module_names) | TRAINING | {"components"}
        assert imported(file) <= known, (file, imported(file) - known)


def test_what_benchmarks_and_examples_import_of_ours_is_there() -> None:
    """No test runs them whole."""
    for file in files("benchmarks", "examples", "docs"):
        for node in program._running(tree(file)):  # of types, mypy says it
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("components", "flows")):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    assert hasattr(module, alias.name) or importlib.util.find_spec(whole), (file, whole)


def test_no_test_module_imports_another() -> None:
    """What several need stands in a conftest.py or a helper module: a test module may be moved or deleted."""
    another = re.compile(r"^\s*(from|import) tests\.(\S*\.)?test_|^\s*from tests\S* import .*\btest_", re.M)
    for file in files("tests"):
        assert not another.search(file.read_text()), file


def test_what_has_a_shape_is_a_record() -> None:
    """`dict[str, Any]` is for JSON of unknown shape, and has few places."""
    files = {
        file.resolve() for part in ("components", "flows", "serving") for file in (ROOT / part).rglob("*.py")
    }
    ours = [file for file in files if "examples" not in file.relative_to(ROOT).parts]
    found = [file.read_text().count("dict[str, Any]") for file in ours]
    assert 0 < sum(found) < 40
