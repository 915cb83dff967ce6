"""onnx_int8: the encoder in ONNX Runtime, its matrices and its word embeddings in eight bits.

Dynamic quantisation: weights by a scale for each column, what they are multiplied with by a scale for each
call (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). A quarter of the size.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from components.model.runtimes import exported, onnx

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel


class OnnxInt8(onnx.Onnx):
    """The file of `onnx`, quantised."""

    files = ("encoder.int8.onnx",)

    def make(self, model: MultiTaskModel, folder: Path, compressed: Path) -> None:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        with tempfile.TemporaryDirectory(prefix="onetrunk-int8-") as scratch:
            whole = Path(scratch) / "encoder.onnx"
            exported.export(model, self.encoder(model, compressed), whole)
            logging.disable(logging.WARNING)  # it advises a step that changes nothing here
            try:
                quantize_dynamic(whole, folder / self.files[0], per_channel=True, weight_type=QuantType.QInt8)
            finally:
                logging.disable(logging.NOTSET)


RUNTIME = OnnxInt8
