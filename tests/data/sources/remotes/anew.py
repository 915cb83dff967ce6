"""`anew.py -m MODULE ...` in a fork (tests/forked.py): the module runs as if nobody had imported the hub's client
yet, which reads its settings when it is imported."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    for loaded in [name for name in sys.modules if name.partition(".")[0] == "huggingface_hub"]:
        del sys.modules[loaded]
    sys.path[0] = str(Path.cwd())
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
