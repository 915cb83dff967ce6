"""The laws of the design that an import shows: who may use what."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
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


def test_bentoml_is_imported_under_serving_alone() -> None:
    for file in files("components", "flows"):
        assert "bentoml" not in imported(file), file


@pytest.mark.parametrize("folder", ["components", "flows", "serving"])
def test_nothing_loads_pickle(folder: str) -> None:
    for file in files(folder):
        assert not imported(file) & {"pickle", "cloudpickle", "joblib", "dill"}, file
        assert "torch.load" not in file.read_text(), file


@pytest.mark.slow
def test_training_runs_on_a_bare_gpu_box() -> None:
    """What `components.training.run.fit` brings in, beyond the standard library, is the training set of tools."""
    code = (
        "import sys; import components.training.run.fit, components.families as t; [t.get(n) for n in t.names()];"
        "import json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for heavy in ("great_expectations", "prefect", "dvc", "bentoml"):
        assert f'"{heavy}"' not in done.stdout
    for file in files("components/training", "components/model"):
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
