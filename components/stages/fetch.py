"""Stage fetch@REMOTE: bring a remote's files, or its rows as Parquet, into downloads/REMOTE."""

from pathlib import Path

from components import params
from components.data.sources import remotes
from components.stages import run


def main(name: str) -> None:
    folder = Path("downloads")
    remotes.fetch(params.load().remotes[name], folder / f"{name}.version.json", folder / name)


if __name__ == "__main__":
    run(main)
