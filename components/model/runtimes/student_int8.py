"""student_int8: an encoder with fewer blocks, as `onnx_int8` computes it."""

from __future__ import annotations

from components.model.runtimes.onnx_int8 import OnnxInt8


class StudentInt8(OnnxInt8):
    """Of `compress.student`."""

    made_of = "student"
    files = ("student.int8.onnx",)


RUNTIME = StudentInt8
