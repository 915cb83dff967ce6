"""onnx: the encoder in ONNX Runtime, in single precision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from components.data.batches.pack import Pack
from components.model.runtimes import exported
from components.model.runtimes.base import States

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel

SILENT = 3  # errors alone are logged
SLOWER = ["SkipLayerNormFusion"]  # the sum and the normalisation in one, by no vectors: five times as long


class Onnx(exported.Exported):
    """A file of the ONNX format, read by ONNX Runtime on the processor."""

    packages = ("onnxruntime",)
    extra = "onnx"

    def begin(self, model: MultiTaskModel, folder: Path) -> States:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other threads work too
        options.log_severity_level = SILENT
        session = onnxruntime.InferenceSession(
            str(folder / self.files[0]),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=SLOWER,
        )
        names = {one.name for one in session.get_inputs()}

        def states(ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
            (hidden_TD,) = session.run(None, exported.inputs(ids_T, segments_T, pack, names))
            return torch.from_numpy(hidden_TD)

        return exported.by_similar_lengths(states)


RUNTIME = Onnx
