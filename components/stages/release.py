"""Stage release: keep the packaged and questioned Bento as the champion."""

from pathlib import Path

from components.evaluation import summary
from components.files import write_json
from components.release.bundle import promoted
from components.release.registry import release
from components.stages import run


def main() -> None:
    promoted(Path())
    released = release(Path("bento"))
    write_json(Path("reports/release.json"), released)
    summary.write(Path())
    print(f"released: {released['release']}")


if __name__ == "__main__":
    run(main)
