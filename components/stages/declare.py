"""Stage declare: what the data of every task depend on, declared/TASK.json.

DVC can depend on a key of params.yaml only if it is there; a task's options and joint heads need not be.
"""

from pathlib import Path
from typing import Any

from components import params
from components.files import atomic_folder, write_json
from components.stages import run

JUDGED_LATER: Any = {"gate": True, "example": True, "joint": {"__all__": {"gate"}}}


def main() -> None:
    with atomic_folder(Path("declared")) as folder:
        for name, task in params.load().tasks.items():
            write_json(folder / f"{name}.json", task.model_dump(mode="json", exclude=JUDGED_LATER))


if __name__ == "__main__":
    run(main)
