"""Any module in a fork (tests/forked.py), which by itself forks for our stages, commands and DVC alone.

It runs as if nobody had imported the hub's client yet, which reads its settings when it is imported.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def python(folder: Path, forking: str) -> Path:
    """Write a `python` into this new folder for PATH: `python -m MODULE ...` forks the one of the other folder."""
    folder.mkdir()
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nexec {forking}/python {__file__} "$@"\n')
    program.chmod(0o755)
    return program


if __name__ == "__main__":
    for loaded in [name for name in sys.modules if name.partition(".")[0] == "huggingface_hub"]:
        del sys.modules[loaded]
    sys.path[0] = str(Path.cwd())
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
