"""Make a project of an example: `python examples/start.py NAME FOLDER`, or `make example NAME=...`.

It is `onetrunk init FOLDER --from NAME`, with what was downloaded in this checkout before.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from components.errors import EXIT_USER_ERROR, UserError
from flows import init

PACKAGES = Path(".onetrunk/packages")
ROOT = Path(__file__).resolve().parent.parent


def main(name: str, folder: str) -> None:
    """Make the project; what cannot be made whole is not left behind."""
    try:
        init.create(Path(folder), name, before=link_packages)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_USER_ERROR)


def link_packages(folder: Path) -> None:
    """Packages that are here need not be downloaded again."""
    if (ROOT / PACKAGES).is_dir():
        shutil.copytree(ROOT / PACKAGES, folder / PACKAGES, copy_function=os.link)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/start.py NAME FOLDER")
    main(*sys.argv[1:])
