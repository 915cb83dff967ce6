"""pruned_int8: the encoder without the heads and neurons that matter least, as `onnx_int8` computes it."""

from __future__ import annotations

from components.model.runtimes.onnx_int8 import OnnxInt8


class PrunedInt8(OnnxInt8):
    """Of `compress.pruned`."""

    made_of = "pruned"
    files = ("pruned.int8.onnx",)


RUNTIME = PrunedInt8
