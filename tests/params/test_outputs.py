"""No source and no encoder lies where a run writes, and the sentence is ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from components import params
from components.errors import UserError
from components.params.checks import outputs
from tests.conftest import PARAMS

PIPELINE = Path(__file__).parents[2] / "dvc.yaml"


def test_the_folders_are_those_that_the_pipeline_names() -> None:
    stages = yaml.safe_load(PIPELINE.read_text())["stages"].values()
    each = [stage.get("do", stage)["outs"] for stage in stages]
    named = {out if isinstance(out, str) else next(iter(out)) for outs in each for out in outs}
    of_no_task = {f"{folder}/${{key}}": folder for folder in ("models/compressed", "models/start")}
    whole = {of_no_task.get(name, name) for name in named}
    folders = {name for name in whole if not Path(name).suffix and not name.startswith("downloads/")}
    assert folders == {*outputs.FOLDERS, *(f"{folder}/${{key}}" for folder in outputs.OF_A_TASK)}


@pytest.mark.parametrize(
    ("source", "met"),
    [
        ("data/mood", "data/mood"),
        ("data/mood/rows.csv", "data/mood"),
        ("./data/../data/people/x.csv", "data/people"),
        ("data", "data/mood"),
        (".", "program"),
        ("predictions/old.csv", "predictions"),
        ("bento", "bento"),
        ("encoded/mood", "encoded/mood"),
    ],
)
def test_a_source_that_meets_an_output_is_refused_in_our_words(
    tiny_project: Path, source: str, met: str
) -> None:
    Path(source).mkdir(parents=True, exist_ok=True)
    (tiny_project / "params.yaml").write_text(PARAMS.replace("sources/mood.csv", source))
    with pytest.raises(UserError, match=re.escape(f"tasks.mood.source.path: '{source}' meets {met}/, ")):
        params.load()


def test_an_absolute_path_into_an_output_is_refused(tiny_project: Path) -> None:
    source = tiny_project / "data/mood"
    (tiny_project / "params.yaml").write_text(PARAMS.replace("sources/mood.csv", str(source)))
    with pytest.raises(UserError, match="meets data/mood/"):
        params.load()


@pytest.mark.parametrize(
    "source", ["data/mood.csv", "data/raw/mood.csv", "reports/mood.csv", "models/mood.csv"]
)
def test_a_file_beside_the_outputs_is_a_source_like_any_other(tiny_project: Path, source: str) -> None:
    file = tiny_project / source
    file.parent.mkdir(parents=True, exist_ok=True)
    (tiny_project / "sources/mood.csv").rename(file)
    (tiny_project / "params.yaml").write_text(PARAMS.replace("sources/mood.csv", source))
    assert params.load().tasks["mood"].source.path == source


@pytest.mark.parametrize("place", ["models/multitask", "models/encoder"])
def test_an_encoder_where_a_model_is_written_is_refused(tiny_project: Path, place: str) -> None:
    (tiny_project / "params.yaml").write_text(PARAMS.replace("encoder: encoder", f"encoder: {place}"))
    with pytest.raises(UserError, match=f"model.encoder: '{place}' meets {place}/"):
        params.load()
