"""`python -m flows.rollout.watch FOLDER`: a process beside a service, which tells it what to serve for as
long as it runs.

It is a process of its own, so that git, DVC and hashing take nothing from who answers; it ends with its
parent, the service. Whatever goes wrong here, the service goes on with what it has.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from components.environment import quiet
from flows.rollout.patience import log, sentence
from flows.rollout.service import Service

SECONDS = 1.0  # between two looks


def main() -> None:
    """Watch until the parent has ended."""
    quiet()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service, which gets it too, ends first
    logging.basicConfig(format="%(asctime)s [%(levelname)s] [rollout] %(message)s", level=logging.INFO)
    service, parent = Service(Path.cwd(), Path(sys.argv[1])), os.getppid()
    said = ""
    while os.getppid() == parent:
        said = _look(service, said)
        time.sleep(SECONDS)
    shutil.rmtree(service.folder, ignore_errors=True)


def _look(service: Service, said: str) -> str:
    """Look once; a sentence that was `said` before is not said again."""
    try:
        service.tell()
        service.hear()
        service.show()
        service.keep()
    except Exception as error:
        if (now := sentence(error)) != said:
            log("the service goes on as it is", error)
        return now
    return ""


if __name__ == "__main__":
    main()
