"""The process of a run's own Prefect server: uvicorn, which ends when the run does, however that ends.

No signal but SIGKILL reaches it (prefect_server.py), so that it can be told how an interrupted run has ended;
without this a killed run would leave it behind.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time

from components.environment import collect_seldom

EVERY = 1.0  # seconds


def main() -> None:
    """Run uvicorn with the arguments of this process but the first, the number of the one that has started
    it: as long as that lives."""
    collect_seldom()
    threading.Thread(target=_end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    runpy.run_module("uvicorn", run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(EVERY)
    os._exit(0)


if __name__ == "__main__":
    main()
