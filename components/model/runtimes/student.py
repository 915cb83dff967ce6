"""student: an encoder with fewer blocks, by torch."""

from __future__ import annotations

from components.model.runtimes.compressed import Compressed
from components.model.smaller import file_of


class Student(Compressed):
    """Of `compress.student`."""

    made_of = "student"
    files = (file_of("student"),)


RUNTIME = Student
