"""Another environment that holds what a distribution asks for, and nothing else of this one.

The files are those of this environment, linked: to unpack and to compile them anew takes minutes. What pip would
choose is what is here, for this environment is requirements.lock's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SHEBANG = b"#!"


def link_requirements(of: Distribution, environment: Path) -> None:
    """Put into the environment all that the distribution asks for, and what that asks for in its turn.

    Raises:
        PackageNotFoundError: one of them is not here.
    """
    asked, seen = list(_requirements(of, "")), set[tuple[str, str]]()
    while asked:
        name, extra = asked.pop()
        if (name, extra) not in seen:
            if not any(name == other for other, _ in seen):
                _link(distribution(name), environment)
            seen.add((name, extra))
            asked += _requirements(distribution(name), extra)


def make_pinned(requirements: Path, environment: Path) -> Path:
    """Make an environment of the distributions that a file pins, and of no other; its Python.

    Raises:
        PackageNotFoundError: one of them is not here.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    lines = {line for line in requirements.read_text().splitlines() if line and not line.startswith("#")}
    for line in lines:
        _link(distribution(line.partition("==")[0]), environment)
    return environment / "bin/python"


def _requirements(of: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    """(name, extra) of each thing that it asks for with this extra of its own; an extra "" is the thing itself."""
    for line in of.requires or ():
        asked = Requirement(line)
        if asked.marker is None or asked.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(asked.name), further) for further in ("", *asked.extras))


def _link(library: Distribution, environment: Path) -> None:
    """Link its files; a script, whose first line names its Python, is written anew."""
    here = Path(sysconfig.get_path("data"))
    for source in _places(library):
        target = environment / source.relative_to(here)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.parent.name == "bin" and source.read_bytes().startswith(SHEBANG):
            _, _, rest = source.read_bytes().partition(b"\n")
            target.write_bytes(SHEBANG + os.fsencode(environment / "bin/python") + b"\n" + rest)
            target.chmod(0o755)
        elif source.exists():  # bytecode is listed, and may not have been made
            target.symlink_to(source)


def _places(library: Distribution) -> list[Path]:
    """What has to be linked: its packages whole, and each file of a folder that others have files in."""
    files = [Path(os.path.normpath(str(library.locate_file(file)))) for file in library.files or ()]
    site = Path(str(library.locate_file("")))
    own = {site / file.relative_to(site).parts[0] for file in files if file.is_relative_to(site)}
    whole = {place for place in own if place.is_dir() and place.name not in _shared()}
    return [*whole, *(file for file in files if not whole & {file, *file.parents})]


@cache
def _shared() -> frozenset[str]:
    """The folders among the libraries that several distributions have files in."""
    tops = ({file.parts[0] for file in one.files or () if len(file.parts) > 1} for one in distributions())
    return frozenset(top for top, times in Counter(chain.from_iterable(tops)).items() if times > 1)
