"""docs/how-to/add-a-family.md, followed to the letter in a copy of the project. The data are synthetic."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.files import read_json
from tests.conftest import PARAMS, sentence

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/how-to/add-a-family.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A copy of the code with the page's file in it, and a project with the page's task."""
    folder = tmp_path_factory.mktemp("family")
    shutil.copytree(ROOT / "components", folder / "components")
    (folder / "components/families/counts").mkdir()
    (folder / "components/families/counts/family.py").write_text(block("python"))
    shutil.copytree(tiny_encoder, folder / "encoder")
    params = yaml.safe_load(PARAMS)
    params["tasks"] = yaml.safe_load(block("yaml"))
    params["training"]["tokens"] = 6000
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    rows = [
        f"{'outage' if n % 3 == 0 else 'all good'} {sentence(n)},{6 * (n % 3 == 0) + n % 2}"
        for n in range(300)
    ]
    (folder / "tickets.csv").write_text("\n".join(["announcement,tickets", *rows]) + "\n")
    return folder


def stage(project: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(project)}
    command = [sys.executable, "-m", f"components.stages.{arguments[0]}", *arguments[1:]]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_page_leads_to_a_trained_and_measured_task(project: Path) -> None:
    for name in ("ingest", "validate", "encode", "baseline"):
        stage(project, name, "tickets")
    for name in ("validation", "plan", "train", "evaluate"):
        stage(project, name)
    measured = read_json(project / "reports/evaluation.json")["tasks"]["tickets"]["metrics"]
    assert measured["deviance_explained"]["over_trivial"][0] > 0
    predictions = read_json(project / "predictions/tickets.json")
    assert all(prediction["count"] > 0 for prediction in predictions)


def test_the_pages_metric_is_scikit_learns(project: Path) -> None:
    import numpy as np
    from sklearn.metrics import d2_tweedie_score

    space: dict = {}
    exec(compile(block("python"), "counts.py", "exec"), space)  # noqa: S102 our own page
    generator = np.random.default_rng(0)
    counts, rates = generator.poisson(3, 200), generator.uniform(0.5, 6, 200)
    rows, predictions = [{"count": int(c)} for c in counts], [{"count": float(r)} for r in rates]
    family, facts = space["FAMILY"], {"mean": float(counts.mean())}
    sums = family.statistics("deviance_explained", rows, predictions, facts).sum(0, keepdims=True)
    expected = d2_tweedie_score(counts, rates, power=1)
    assert family.value("deviance_explained", sums)[0] == pytest.approx(expected)


def test_the_page_names_what_the_base_offers() -> None:
    from components.families.base import Family

    section = PAGE.partition("## What a family may want besides")[2]
    for name in re.findall(r"`(\w+)`", section.replace('`facts["options"]`', "").replace("`Options`", "")):
        assert hasattr(Family, name), name
