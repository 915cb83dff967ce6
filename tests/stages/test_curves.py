"""The stage that makes the training page and DVCLive's files from the record."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.files import write_json
from components.training.run.stopping import kept
from tests.tracking.synthetic import HEADS, contents, entry

ROOT = Path(__file__).parents[2]


def test_the_record_alone_decides_every_byte_and_dvc_finds_metrics_and_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.stages import curves

    monkeypatch.chdir(tmp_path)
    evaluations = [entry(step) for step in (5, 10, 12)]
    record = {
        "metrics": dict.fromkeys(HEADS, "f1"),
        "evaluations": evaluations,
        "kept": kept(evaluations).model_dump(),
    }
    write_json(Path("reports/training.json"), {"schema_version": 1, **record})
    curves.main()
    first = contents(Path("reports"))
    curves.main()
    assert contents(Path("reports")) == first
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    outs = pipeline["stages"]["curves"]["outs"]
    assert {f"reports/{name}" for name in first if name != "training.json"} == {
        str(file) for out in outs for file in [Path(out), *Path(out).rglob("*")] if file.is_file()
    }
    drawn = [*pipeline["metrics"], *(name for plot in pipeline["plots"] for name in plot)]
    ours = [path for path in drawn if path.startswith("reports/dvclive/")]
    assert len(ours) == len(drawn) - 1  # but for the test metrics, which `evaluate` writes
    assert all(Path(path).exists() for path in ours)
    assert not Path("dvc.yaml").exists()  # DVCLive leaves the project's graph alone
