"""openvino: the encoder in OpenVINO, in bf16 where the processor multiplies it, else in single precision."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from components.data.batches.pack import Pack
from components.model.runtimes import exported
from components.model.runtimes.base import States

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel


TELEMETRY = "openvino_telemetry"  # of a package that OpenVINO does without where it is not there


class OpenVino(exported.Exported):
    """A file of the ONNX format, read by OpenVINO on the processor."""

    packages = ("openvino",)
    extra = "openvino"

    def begin(self, model: MultiTaskModel, folder: Path) -> States:
        sys.modules.setdefault(TELEMETRY, None)  # type: ignore[arg-type] # its import says that it was used
        import openvino

        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        core = openvino.Core()
        core.set_property({"ENABLE_MMAP": False})  # whoever writes into the file changes no answer
        compiled = core.compile_model(str(folder / self.files[0]), "CPU", settings)
        names = {one.get_any_name() for one in compiled.inputs}
        request = compiled.create_infer_request()

        def states(ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
            given = exported.inputs(ids_T, segments_T, pack, names)
            hidden_TD = request.infer(given, share_inputs=True)[0]  # a copy: the next call takes its place
            return torch.from_numpy(hidden_TD)

        return exported.by_similar_lengths(states)


RUNTIME = OpenVino
