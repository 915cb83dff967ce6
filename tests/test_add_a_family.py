"""docs/how-to/add-a-family.md, followed to the letter in a copy of the project. The data are synthetic."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.files import read_json
from tests.conftest import PARAMS, sentence

pytestmark = pytest.mark.minutes(0.5)

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/how-to/add-a-family.md").read_text(encoding="utf-8")


FOLDER = dict(re.findall(r"`components/families/(counts/\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
TOYS = ROOT / "tests/toy_families"
SHELF = """
shelf:
  family: shelf
  source: {path: titles.csv, format: csv}
  columns: {text: title, shelf: shelf}
  splits: {validation: 0.1, test: 0.2}
  cleaning: {}
  max_length: 24
  gate: {metric: accuracy, floor: 0.1}
  example: {text: "good plane"}
"""


def tasks_of_the_page() -> str:
    (found,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def project_of(folder: Path, encoder: Path, tasks: str) -> Path:
    """A copy of the code, and a project with these tasks beside it."""
    shutil.copytree(ROOT / "components", folder / "components", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(encoder, folder / "encoder")
    params = yaml.safe_load(PARAMS)
    params["tasks"] = yaml.safe_load(tasks)
    params["training"]["tokens"] = 6000
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


@pytest.fixture(scope="module")
def path(forking_python: str) -> Iterator[None]:
    """First on PATH is a Python that has the libraries loaded (tests/forked.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", forking_python, prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def counts(path: None, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The page's family in a copy of the code, and its task."""
    folder = project_of(tmp_path_factory.mktemp("counts"), tiny_encoder, tasks_of_the_page())
    (folder / "components/families/counts").mkdir()
    for name, code in FOLDER.items():
        (folder / "components/families" / name).write_text(code)
    rows = [
        f"{'outage' if n % 3 == 0 else 'all good'} {sentence(n)},{6 * (n % 3 == 0) + n % 2}"
        for n in range(300)
    ]
    (folder / "tickets.csv").write_text("\n".join(["announcement,tickets", *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def shelf(path: None, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The toy family with candidates and augmentation in a copy of the code, and its task."""
    folder = project_of(tmp_path_factory.mktemp("shelf"), tiny_encoder, SHELF)
    shutil.copytree(TOYS / "shelf", folder / "components/families/shelf")
    shelves = ["fine train", "late plane to paris", "poor bob"]
    rows = [f"{shelves[n % 3].split()[0]} {sentence(n)},{shelves[n % 3]}" for n in range(300)]
    (folder / "titles.csv").write_text("\n".join(["title,shelf", *rows]) + "\n")
    return folder


def python(project: Path, code: str, *arguments: str) -> str:
    """What the code prints; the copy's modules come first."""
    environment = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{ROOT}"}
    (project / "code.py").write_text(code)
    command = ["python", "code.py", *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def stages(project: Path, *commands: str) -> None:
    """Run stages in one process."""
    code = (
        "import runpy, sys\n"
        "for command in sys.argv[1:]:\n"
        "    name, *arguments = command.split()\n"
        "    sys.argv = [name, *arguments]\n"
        "    try:\n"
        "        runpy.run_module(f'components.stages.{name}', run_name='__main__')\n"
        "    except SystemExit as ended:\n"
        "        if ended.code:\n"
        "            raise\n"
    )
    python(project, code, *commands)


def evaluated(project: Path, task: str) -> dict[str, Any]:
    """What all stages up to the evaluation measure of the task."""
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)  # where releases are looked for
    of_task = (f"{name} {task}" for name in ("ingest", "validate", "encode", "baseline"))
    stages(project, "encoder", *of_task, "data_gate", "plan", "train", "champion", "evaluate")
    found: dict[str, Any] = read_json(project / "reports/evaluation.json")["tasks"][task]["metrics"]
    return found


def asked(project: Path, text: str) -> dict[str, Any]:
    """What the service answers from a bundle of the model."""
    code = (
        "import json, sys; from tests.families.trained import service;"
        "print(json.dumps([{k: v.model_dump() for k, v in one.items()}"
        " for one in service().predict(sys.argv[1:], None)]))"
    )
    (answer,) = json.loads(python(project, code, text).splitlines()[-1])
    return dict(answer)


@pytest.mark.slow
def test_the_page_leads_to_a_trained_and_measured_task(counts: Path) -> None:
    measured = evaluated(counts, "tickets")
    assert measured["deviance_explained"]["over_trivial"][0] > 0
    predictions = read_json(counts / "predictions/tickets.json")
    assert all(prediction["count"] > 0 for prediction in predictions)
    titles = [check["title"] for check in read_json(counts / "reports/validation/tickets.json")["checks"]]
    assert "every count is 0, 1, 2, ..." in titles
    assert asked(counts, "outage was late")["tickets"]["count"] > 0


@pytest.mark.slow
def test_a_family_with_candidates_and_augmentation_is_one_folder_too(shelf: Path) -> None:
    measured = evaluated(shelf, "shelf")
    assert measured["accuracy"]["over_trivial"][0] > 0
    assert (shelf / "models/multitask/index.shelf.safetensors").is_file()
    assert asked(shelf, "late is london")["shelf"] == {"shelf": "late plane to paris"}


@pytest.mark.slow
def test_titles_lack_another_word_at_each_visit(shelf: Path) -> None:
    """The loop asks the family by its capability; nothing else knows of it."""
    code = (
        "import numpy as np;"
        "from pathlib import Path;"
        "from components.data.encoding.split import EncodedSplit, cards_of;"
        "from components.training.step.augment import augmented;"
        "split, cards = EncodedSplit(Path('encoded/shelf/train.arrow')), cards_of(Path('encoded/shelf'));"
        "seen = [augmented({'shelf': split}, cards, 7, step)['shelf'].gather(range(50)) for step in (3, 3, 4)];"
        "words = [[one[0][0].tolist() for one in rows] for rows in seen];"
        "assert all(len(one) == 2 for one in seen[0]);"  # a title, and its shelf
        "assert words[0] == words[1] and sum(map(list.__ne__, words[0], words[2])) > 25;"
        "assert all(np.array_equal(one[1][0], other[1][0]) for one, other in zip(seen[0], seen[2]));"
    )
    stages(shelf, "ingest shelf", "encode shelf")
    python(shelf, code)


def test_the_pages_metric_is_scikit_learns() -> None:
    import numpy as np
    from sklearn.metrics import d2_tweedie_score

    space: dict[str, Any] = {}
    exec(compile(FOLDER["counts/metrics.py"], "metrics.py", "exec"), space)  # noqa: S102 our own page
    generator = np.random.default_rng(0)
    counts, rates = generator.poisson(3, 200), generator.uniform(0.5, 6, 200)
    rows, predictions = [{"count": int(c)} for c in counts], [{"count": float(r)} for r in rates]
    (metric,) = space["METRICS"]
    found = metric.measure(rows, predictions, {"mean": float(counts.mean())})
    assert found == pytest.approx(d2_tweedie_score(counts, rates, power=1))


def test_the_page_names_what_the_base_offers() -> None:
    from components.families.base import Family, capabilities

    section = PAGE.partition("## What a family may want besides")[2]
    attributes, declared = section.split("Others are capabilities")
    for name in re.findall(r"`(\w+)`", attributes.replace("`Options`", "")):
        assert hasattr(Family, name), name
    offered = {
        name
        for name, one in vars(capabilities).items()
        if inspect.isclass(one) and one.__module__ == capabilities.__name__
    }
    named = set(re.findall(r"\| `(\w+)` \|$", declared, re.MULTILINE))
    assert named == offered
