"""A runtime is shipped where it is faster and answers as well; else the bundle is eager."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import logging
import shutil
from collections.abc import Mapping
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from components.data.batches.pack import Pack
from components.data.encoding.split import EncodedSplit, cards_of
from components.errors import UserError
from components.evaluation.records import VERDICT, ModelId, TaskVerdict, Verdict
from components.files import read_json, sha256, verify_manifest, write_json
from components.model import runtimes as ways
from components.model import saving
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.model.packing import packed_states
from components.processor import model_name
from components.release import bundle, runtimes
from components.release.records import RUNTIMES, BundleCard, RuntimeEvidence, RuntimeReport
from components.settings.compression import COMPRESSED
from serving import build
from serving.predictor import Predictor
from tests.model.runtimes import runtime_here
from tests.serving import tiny


class Own(ways.Runtime):
    """Eager's states, and a file beside them."""

    files = ("own.bin",)

    def make(self, model: MultiTaskModel, folder: Path, compressed: Path) -> None:
        (folder / self.files[0]).write_bytes(b"own")

    def begin(self, model: MultiTaskModel, folder: Path) -> ways.States:
        return lambda ids_T, segments_T, pack: packed_states(model.encoder, ids_T, segments_T, pack)


class Noise(Own):
    """Numbers that have nothing to do with the text."""

    files = ("noise.bin",)

    def begin(self, model: MultiTaskModel, folder: Path) -> ways.States:
        return lambda ids_T, segments_T, pack: torch.randn(len(ids_T), model.hidden_size)


class Short(Own):
    """An error at many tokens."""

    def begin(self, model: MultiTaskModel, folder: Path) -> ways.States:
        def states(ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
            if len(ids_T) > 100:
                raise ArithmeticError("too many tokens")
            return packed_states(model.encoder, ids_T, segments_T, pack)

        return states


class NoNumbers(Own):
    def begin(self, model: MultiTaskModel, folder: Path) -> ways.States:
        return lambda ids_T, segments_T, pack: torch.full((len(ids_T), model.hidden_size), torch.nan)


class Slower(Own):
    files = ("slower.bin",)


class Smaller(Own):
    made_of = "student"


class Absent(Own):
    packages = ("no_such_package",)


FOUND = {"own": Own, "noise": Noise, "absent": Absent, "short": Short, "no numbers": NoNumbers}


@pytest.fixture
def project(encoded_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a model that nobody has trained, test rows on which it is right, and a verdict."""
    model = MultiTaskModel.from_encoder(Path("models/encoder"), cards_of(Path("encoded/mood")), 0.0, 0)
    for head in model.heads.values():  # confident, so that every label occurs
        torch.nn.init.normal_(head.get_parameter("output.weight"), std=3.0)
    model.save_pretrained("models/multitask")
    split = EncodedSplit(Path("encoded/mood/test.arrow"))
    said = predict(model, "mood", split, range(len(split)))["mood"]
    write_json(Path("predictions/mood.json"), [{"id": "", **answer} for answer in said])
    rows = pq.read_table("data/mood/test.parquet")
    right = pa.array([answer["label"] for answer in said])
    rows = rows.set_column(rows.column_names.index("label"), "label", right)
    pq.write_table(rows, "data/mood/test.parquet")
    judged = {"mood": TaskVerdict(metric="accuracy", floor=0.0, margin=0.2, gate="pass", why="")}
    Verdict(
        verdict="PROMOTE", model=ModelId(sha256="m" * 64), champion=None, confidence=0.95, tasks=judged, dropped={}
    ).write(VERDICT)  # fmt: skip
    monkeypatch.setattr(ways, "names", lambda: list(FOUND))
    monkeypatch.setattr(ways, "find", lambda name: FOUND[name]())
    return encoded_project


def chosen(wanted: str, faster: Mapping[str, float], monkeypatch: pytest.MonkeyPatch) -> RuntimeReport:
    """The report where the runtimes are so many times as fast as eager; what was made is in made/."""

    def measure(
        timed: Mapping[str, ways.States], work: object
    ) -> tuple[dict[str, dict[str, float]], dict[str, Exception]]:
        speeds = {name: faster.get(name, 1.0) for name in timed}
        return {
            name: {"lone_seconds": 1 / speed, "pass_seconds": 1 / speed} for name, speed in speeds.items()
        }, {}

    monkeypatch.setattr(runtimes, "measure", measure)
    made = Path("made")
    made.mkdir()
    runtimes.choose(Path(), wanted, made)
    return RuntimeReport.read(made / RUNTIMES)


def files() -> set[str]:
    return {path.name for path in Path("made").iterdir()}


def test_the_fastest_that_answers_as_well_is_shipped_and_what_the_others_made_is_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = chosen("auto", {"noise": 3.0, "own": 2.0}, monkeypatch)
    assert report.chosen == "own"
    assert files() == {RUNTIMES, "own.bin"}
    noise, own = report.runtimes["noise"], report.runtimes["own"]
    assert "not shown to be within its margin: " in (noise.why or "")
    assert noise.heads
    assert not all(one.passes for one in noise.heads.values())
    assert noise.heads["mood"].discordant > 0
    assert own.why is None
    assert own.faster == pytest.approx(2.0)
    assert own.difference == 0
    assert report.most_difference == runtimes.LEAST
    assert own.heads
    for head, one in own.heads.items():
        assert (one.difference, one.discordant, one.passes) == (0, 0, True), head
        assert one.rows == len(read_json(Path("predictions") / f"{head}.json"))
    assert report.runtimes["absent"].why == "no_such_package is not installed"


def test_all_that_are_worth_it_are_asked_so_that_their_quality_stands_side_by_side(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOUND, "slower", Slower)
    report = chosen("auto", {"own": 2.0, "slower": 1.5}, monkeypatch)
    assert report.chosen == "own"
    assert report.runtimes["slower"].why == "slower than own"
    assert report.runtimes["slower"].heads
    assert files() == {RUNTIMES, "own.bin"}


def test_a_runtime_of_a_smaller_encoder_is_measured_where_there_is_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOUND, "smaller", Smaller)
    assert "smaller" not in runtimes._offered(COMPRESSED)
    (COMPRESSED / "student").mkdir(parents=True)
    assert "smaller" in runtimes._offered(COMPRESSED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "faster", "why"),
    [
        ("own", 1.01, "not 1.05 times as fast as eager"),
        ("noise", 3.0, "not shown to be within its margin"),
        ("absent", 3.0, "no_such_package is not installed"),
        ("short", 3.0, "ArithmeticError: too many tokens"),
        ("no numbers", 3.0, "a state of a made-up text is no number"),
    ],
)
def test_eager_is_shipped_where_the_wanted_one_is_no_faster_worse_or_absent(
    wanted: str, faster: float, why: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = chosen(wanted, {wanted: faster}, monkeypatch)
    assert report.chosen == "eager"
    assert why in (report.runtimes[wanted].why or "")
    assert files() == {RUNTIMES}


def test_a_runtime_that_fails_at_a_row_while_it_is_timed_is_out_and_the_release_goes_on(
    project: Path,
) -> None:
    made = Path("made")
    made.mkdir()
    runtimes.choose(Path(), "short", made)
    report = RuntimeReport.read(made / RUNTIMES)
    assert (report.chosen, report.runtimes["short"].why) == ("eager", "ArithmeticError: too many tokens")
    assert report.eager.lone_seconds
    assert files() == {RUNTIMES}


def test_what_eager_fails_at_is_no_runtimes_fault(encoded_project: Path) -> None:
    def states(*given: object) -> torch.Tensor:
        raise ArithmeticError("a bug")

    work = runtimes.workload(Path("encoded"), ["mood"], True)
    with pytest.raises(ArithmeticError, match="a bug"):
        runtimes.measure({"eager": states}, work)


def test_few_rows_show_nothing_so_that_a_small_margin_is_not_passed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even by the very same answers."""
    verdict = Verdict.read(VERDICT)
    mood = verdict.tasks["mood"].model_copy(update={"margin": 0.001})
    verdict.model_copy(update={"tasks": {**verdict.tasks, "mood": mood}}).write(VERDICT)
    report = chosen("own", {"own": 2.0}, monkeypatch)
    assert report.runtimes["own"].why == "not shown to be within its margin: mood"


def test_nothing_is_measured_where_eager_is_wanted(tmp_path: Path) -> None:
    runtimes.choose(tmp_path / "no project", "eager", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert runtimes.pins_of(tmp_path) == {}


def test_speed_is_measured_on_validation_rows_alone_and_in_passes(encoded_project: Path) -> None:
    work = runtimes.workload(Path("encoded"), ["mood", "people"], True)
    lone = {tuple(ids.tolist()) for ids, _, _ in work.lone}
    known = {
        tuple(sequences[0][0].tolist())
        for task in ("mood", "people")
        for split in [EncodedSplit(Path("encoded") / task / "validation.arrow")]
        for sequences in split.gather(range(len(split)))
    }
    assert lone <= known
    assert 0 < len(work.lone) <= runtimes.LONE
    assert {tuple(ids.tolist()) for all_, _, pack in work.passes for ids in all_.split(pack.lengths)} <= known
    assert any(len(pack.lengths) > 1 for _, _, pack in work.passes)
    assert all(sum(pack.lengths) <= runtimes.TOKENS for _, _, pack in work.passes)
    found, _ = runtimes.measure({"one": lambda *given: given[0], "other": lambda *given: given[0]}, work)
    assert all(seconds > 0 for of_way in found.values() for seconds in of_way.values())


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a synthetic model in ONNX Runtime."""
    runtime, root = runtime_here("onnx"), tmp_path_factory.mktemp("packed")
    project = tiny.write_project(root / "project")
    made = root / "made"
    made.mkdir()
    runtime.make(saving.load(project / "models/multitask"), made, root)
    measured = {"onnx": RuntimeEvidence(faster=2.0, difference=1e-6)}
    RuntimeReport(
        wanted="auto", chosen="onnx", most_difference=1e-4, processor=model_name(), threads=1, confidence=0.95,
        eager=RuntimeEvidence(faster=1.0), runtimes=measured,
    ).write(made / RUNTIMES)  # fmt: skip
    bundle.write(project, tiny.PACKAGING, "code", root / "bundle", made=made)
    return root / "bundle"


def test_the_card_names_the_runtime_and_the_hashes_of_its_files(packed: Path) -> None:
    card = BundleCard.read(packed / "card.json")
    assert card.runtime == "onnx"
    assert card.model.files["encoder.onnx"] == sha256(packed / "encoder.onnx")
    assert card.evidence[RUNTIMES] == sha256(packed / RUNTIMES)
    assert {"encoder.onnx", RUNTIMES} <= set(verify_manifest(packed)["files"])


def test_what_a_runtime_needs_is_installed_with_the_version_that_was_measured(packed: Path) -> None:
    pins = runtimes.pins_of(packed)
    assert pins["onnxruntime"] == importlib.metadata.version("onnxruntime")
    assert "numpy" in pins


TEXTS = ["Ada was in Rome", "so was Bob, who is not as tall as she is", "x"]


def test_the_service_answers_by_the_runtime_as_it_would_without(packed: Path) -> None:
    eager, predictor = Predictor(packed), Predictor(packed)
    expected = eager.predict(TEXTS)
    predictor.warm_up()
    assert predictor.running == ways.Running("onnx", "onnx")
    for one, other in zip(predictor.predict(TEXTS), expected, strict=True):
        assert {task: plain(answer) for task, answer in one.items()} == {
            task: plain(answer) for task, answer in other.items()
        }


def plain(answer: Any) -> Any:
    """An answer with its numbers to four digits."""
    return json.loads(json.dumps(answer.model_dump()), parse_float=lambda text: round(float(text), 4))


def test_a_service_that_cannot_is_eager_and_says_so(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    predictor = Predictor(packed)
    said = BufferingHandler(9)
    logging.getLogger("bentoml").addHandler(said)
    try:
        predictor.warm_up()
    finally:
        logging.getLogger("bentoml").removeHandler(said)
    why = "onnxruntime is not installed"
    assert predictor.running == ways.Running("eager", "onnx", why)
    assert [line.getMessage() for line in said.buffer] == [f"the runtime is eager instead of onnx: {why}"]
    assert len(predictor.predict(TEXTS)) == 3


def test_an_altered_file_of_a_runtime_is_refused(packed: Path, tmp_path: Path) -> None:
    shutil.copytree(packed, tmp_path / "bundle")
    file = tmp_path / "bundle/encoder.onnx"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"encoder\.onnx: SHA-256 differs"):
        Predictor(tmp_path / "bundle")


def test_a_runtimes_packages_are_added_to_what_a_bento_installs_and_none_twice(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("numpy==1\nPyYAML==2\n")
    build._require(file, {"numpy": "3", "pyyaml": "3", "onnxruntime": "4"})
    assert file.read_text() == "numpy==1\nPyYAML==2\nonnxruntime==4\n"
