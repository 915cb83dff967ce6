"""Stage package: pack the promoted model as a Bento."""

from pathlib import Path

from components import params
from components.release import origins
from components.stages import run
from serving.build import build


def main() -> None:
    project = params.load()
    card = build(Path(), project.packaging, Path("bento"), origins.of(project, Path()))
    print(f"bento: {card.name}:{card.version}")


if __name__ == "__main__":
    run(main)
