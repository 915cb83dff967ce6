"""pruned: the encoder without the heads and neurons that matter least, by torch."""

from __future__ import annotations

from components.model.runtimes.compressed import Compressed
from components.model.smaller import file_of


class Pruned(Compressed):
    """Of `compress.pruned`."""

    made_of = "pruned"
    files = (file_of("pruned"),)


RUNTIME = Pruned
