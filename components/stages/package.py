"""Stage package: pack the promoted model as a Bento."""

from pathlib import Path

from components import params
from components.stages import run
from serving.build import build


def main() -> None:
    packaging = params.load().packaging
    card = build(Path(), packaging, Path("bento"))
    print(f"bento: {packaging.name}:{card.version}")


if __name__ == "__main__":
    run(main)
