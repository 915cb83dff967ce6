"""Every runtime computes what the encoder does, or the model stays eager and says why."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import torch

from components.data.batches.pack import Pack
from components.errors import UserError
from components.model import runtimes, smaller
from components.model.multitask import MultiTaskModel
from components.model.narrow import NEURONS, keep, units_of
from components.model.packing import packed_states
from components.model.runtimes import EAGER, Running, bf16, difference, exported
from components.model.runtimes import onnx as onnx_runtime
from tests.model.encoders import PACKABLE
from tests.model.runtimes import build, runtime_here
from tests.scripts import ROOT

TOLERANCE = {"bf16": 0.03, "onnx": 1e-5, "onnx_int8": 0.3, "openvino": 0.03}  # of a state, by the largest
LEARNT = {"student", "student_int8", "pruned", "pruned_int8"}  # which have states of their own
LENGTHS = (7, 40, 7, 7, 3, 25)


def test_every_runtime_has_a_tolerance_here() -> None:
    assert {*TOLERANCE, *LEARNT} == set(runtimes.names())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [*(("bf16", kind) for kind in PACKABLE), *(("onnx", kind) for kind in PACKABLE),
     ("onnx_int8", "bert"), ("openvino", "modernbert")],
)  # fmt: skip
@torch.inference_mode()
def test_states_are_eagers_in_their_order_whatever_the_lengths(name: str, kind: str, tmp_path: Path) -> None:
    """Local attention, shared layers and positions that begin at 2 among them."""
    runtime, model = runtime_here(name), build(kind)
    before = model.encoder.config._attn_implementation
    runtime.make(model, tmp_path, tmp_path)
    states = runtime.begin(model, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(runtime.files)
    assert model.encoder.config._attn_implementation == before
    for lengths in (LENGTHS, (1,), (40, 40)):
        pack, ids_T = Pack.of(lengths), torch.randint(3, 99, (sum(lengths),))
        segments_T = torch.ones_like(ids_T) if model.takes_segments else None
        expected_TD = packed_states(model.encoder, ids_T, segments_T, pack)
        found_TD = states(ids_T, segments_T, pack)
        assert found_TD.dtype == torch.float32
        assert difference.of(found_TD, expected_TD) < TOLERANCE[name], lengths


@pytest.mark.slow
@torch.inference_mode()
def test_a_smaller_encoder_is_computed_in_eight_bits_too(tmp_path: Path) -> None:
    runtime, model = runtime_here("pruned_int8"), build()
    narrow = smaller.whole(model)
    for units in units_of(narrow, NEURONS):
        keep(units, range(0, 48, 2))
    smaller.save(model, narrow, [0, 1, 2], tmp_path / "pruned")
    runtime.make(model, tmp_path, tmp_path)
    ids_T, pack = torch.randint(3, 99, (sum(LENGTHS),)), Pack.of(LENGTHS)
    given = (ids_T, torch.zeros_like(ids_T), pack)
    found_TD, expected_TD = runtime.begin(model, tmp_path)(*given), packed_states(narrow, *given)
    assert difference.of(found_TD, expected_TD) < TOLERANCE["onnx_int8"]
    whole_TD = packed_states(model.encoder, *given)
    assert difference.of(whole_TD, expected_TD) > TOLERANCE["onnx_int8"]


@torch.inference_mode()
def test_a_call_of_a_graph_has_sequences_of_similar_length_alone() -> None:
    seen: list[tuple[int, ...]] = []

    def states(ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
        seen.append(pack.lengths)
        return ids_T[:, None].float()

    ids_T = torch.arange(sum(LENGTHS))
    found_TD = exported.by_similar_lengths(states)(ids_T, None, Pack.of(LENGTHS))
    assert seen == [(40, 25), (7, 7, 7), (3,)]
    assert found_TD.flatten().tolist() == ids_T.tolist()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `onnx` makes of `build()`."""
    folder = tmp_path_factory.mktemp("bert")
    runtime_here("onnx").make(build(), folder, folder)
    return folder


@pytest.mark.slow
def test_a_file_names_no_place_of_the_machine_that_wrote_it_and_is_the_same_again(
    bert: Path, tmp_path: Path
) -> None:
    exported.export(model := build(), model.encoder, tmp_path / "again.onnx")
    (one,) = (file.read_bytes() for file in bert.iterdir())
    assert one == (tmp_path / "again.onnx").read_bytes()
    for place in (Path(runtimes.__file__).parents[3], bert, tmp_path):
        assert str(place).encode() not in one


@pytest.mark.slow
def test_a_layer_of_a_graph_attends_in_products_and_sums_alone(bert: Path) -> None:
    """What torch's own attention and branches on shapes become takes a short text as long as its products."""
    import onnx

    graph = onnx.load(bert / "encoder.onnx").graph
    found = Counter(node.op_type for node in graph.node)
    assert not {*found} & {"IsNaN", "OneHot", "Tile", "Squeeze"}
    assert found["Softmax"] > 1  # layers, which share what hides padding
    assert found["Where"] == 1


@pytest.mark.slow
def test_what_is_slower_in_one_step_is_computed_in_two(bert: Path, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = onnx_runtime.SILENT
    kinds = {}
    for name, left_out in (("as it comes", []), ("ours", onnx_runtime.SLOWER)):
        options.optimized_model_filepath = str(tmp_path / name)
        onnxruntime.InferenceSession(
            str(bert / "encoder.onnx"),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=left_out,
        )
        kinds[name] = {node.op_type for node in onnx.load(tmp_path / name).graph.node}
    assert kinds["as it comes"] - kinds["ours"] == {"SkipLayerNormalization"}


def test_an_encoder_that_does_not_pack_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="deberta-v2: its sequences cannot be packed"):
        exported.export(model := build("deberta"), model.encoder, tmp_path / "encoder.onnx")


@torch.inference_mode()
def test_the_model_answers_by_the_runtime_and_keeps_no_second_copy_of_the_blocks(bert: Path) -> None:
    model = build()
    given = (
        torch.tensor([[5, 6, 7], [8, 9, 0]]),
        torch.tensor([[1, 1, 1], [1, 1, 0]]),
        torch.zeros(2, 3).long(),
    )
    expected_BLD = model.encode(*given)
    assert runtimes.begin(model, "onnx", bert, 1e-4) == Running("onnx", "onnx")
    torch.testing.assert_close(model.encode(*given), expected_BLD, rtol=1e-4, atol=1e-4)
    assert all(one.is_meta for one in model.encoder.encoder.parameters())
    assert not model.encoder.get_input_embeddings().weight.is_meta


class Wrong(runtimes.Runtime):
    def begin(self, model: MultiTaskModel, folder: Path) -> runtimes.States:
        return lambda ids_T, segments_T, pack: 1.5 * packed_states(model.encoder, ids_T, segments_T, pack)


class Broken(Wrong):
    def begin(self, model: MultiTaskModel, folder: Path) -> runtimes.States:
        raise RuntimeError("not a file of ours")


class Absent(Wrong):
    packages = ("no_such_package",)


@pytest.mark.parametrize(
    ("runtime", "why"),
    [
        (Wrong, "its states differ by 0.5 here, expected at most 0.1"),
        (Absent, "no_such_package is not installed"),
        (Broken, "RuntimeError: not a file of ours"),
    ],
)
def test_a_machine_that_cannot_or_computes_otherwise_stays_eager_and_says_why(
    runtime: type[runtimes.Runtime], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "find", lambda name: runtime())
    model = build()
    assert runtimes.begin(model, "other", tmp_path, 0.1) == Running(EAGER, "other", why)
    assert model.runtime is None


def test_a_processor_without_bf16_stays_eager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    found = runtimes.begin(build(), "bf16", tmp_path, 0.1)
    assert found.name == EAGER
    assert (
        found.why == bf16.RUNTIME().why_not() == "the processor does not multiply bf16 (AVX512-BF16 or AMX)"
    )


def test_a_torn_file_stays_eager(tmp_path: Path) -> None:
    runtime_here("onnx")
    (tmp_path / "encoder.onnx").write_bytes(b"torn")
    found = runtimes.begin(build(), "onnx", tmp_path, 0.1)
    assert found.name == EAGER
    assert found.why


def test_a_model_that_learns_again_computes_its_own_states() -> None:
    model = build()
    model.runtime = lambda ids_T, segments_T, pack: torch.zeros(len(ids_T), 32)
    model.train()
    assert model.runtime is None


@pytest.mark.slow
def test_openvino_tells_nobody_that_it_is_used(tmp_path: Path, forking_python: str) -> None:
    """Its import alone would write a file into the home folder, and send it."""
    runtime_here("openvino")
    (tmp_path / "code.py").write_text(
        "import sys; from pathlib import Path; from components.model.runtimes import openvino\n"
        "try: openvino.RUNTIME().begin(None, Path(sys.argv[1]))\n"
        "finally: print(sys.modules[openvino.TELEMETRY], 'openvino' in sys.modules)"
    )
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [f"{forking_python}/python", "code.py", tmp_path], env=environment, cwd=tmp_path, capture_output=True, text=True
    )  # fmt: skip
    assert done.stdout.split() == ["None", "True"], done.stderr
    assert list((tmp_path / "home").iterdir()) == []
