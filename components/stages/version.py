"""Stage version@REMOTE: ask a remote for the version of what it holds."""

from pathlib import Path

from components import params
from components.data.sources import remotes
from components.stages import run


def main(name: str) -> None:
    remotes.version(params.load().remotes[name], Path("downloads") / f"{name}.version.json")


if __name__ == "__main__":
    run(main)
