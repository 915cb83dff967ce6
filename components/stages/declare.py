"""Stage declare: what the data of every task depend on, declared/TASK.json.

DVC can depend on a key of params.yaml only if it is there; a task's options and joint heads need not be. Nor
need there be rows that were accepted from feedback: where there are, a copy lies in declared/accepted.
"""

import shutil
from pathlib import Path
from typing import Any

from components import params
from components.data.contract import accepted
from components.files import atomic_folder, sha256, write_json
from components.stages import run

JUDGED_LATER: Any = {"gate": True, "example": True, "joint": {"__all__": {"gate"}}}


def main() -> None:
    with atomic_folder(Path("declared")) as folder:
        for name, task in params.load().tasks.items():
            said = task.model_dump(mode="json", exclude=JUDGED_LATER)
            write_json(folder / f"{name}.json", {**said, **_copied(name, folder)})


def _copied(task: str, folder: Path) -> dict[str, str]:
    """Copy the task's accepted rows; what tells one state of them from another."""
    rows = accepted.file_of(accepted.FOLDER, task)
    if not rows.is_file():
        return {}
    (folder / rows).parent.mkdir(exist_ok=True)
    shutil.copyfile(rows, folder / rows)
    return {"accepted": sha256(folder / rows)}


if __name__ == "__main__":
    run(main)
