"""`python -m serving.apart NAME FOLDER`: begin the runtime of a bundle where it can do no harm.

Compiled code of another machine may end its process, by an instruction that this processor does not have, and
no exception says so: a worker that began it would be started again for ever.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from components.model.runtimes import EAGER, difference, find
from components.model.saving import load
from components.processor import model_name
from components.release.records import RuntimeReport

CODE = Path(__file__).parents[1]  # where the packages lie
SECONDS = 120.0  # that it may take


def why_not(bundle: Path, report: RuntimeReport) -> str | None:
    """Why no process of this machine should begin the runtime of a bundle. None where that was measured on
    such a processor, or another process has begun it: well, or with an exception, which whoever begins it
    meets himself."""
    if report.chosen == EAGER or report.processor == model_name():
        return None
    command = [sys.executable, "-m", __name__, report.chosen, str(bundle.absolute())]
    try:
        ended = subprocess.run(
            command, cwd=CODE, timeout=SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it has not begun after {SECONDS:.0f} s"
    return f"it ends the process that begins it here, by signal {-ended}" if ended < 0 else None


def main(name: str, folder: Path) -> None:
    """Load the model, and let the runtime compute something."""
    model = load(folder)
    difference.of_made_up_texts(model, find(name).begin(model, folder))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
