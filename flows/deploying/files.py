"""The files that deploy a release: compose with Prometheus and Grafana, and Kubernetes manifests.

Two of them say which release it is, and are written anew each time; any other that is there is its owner's.
"""

from __future__ import annotations

import math
import os
import re
import string
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from components.errors import UserError
from components.files import atomic_file
from components.release.records import BundleCard

TEMPLATES = Path(__file__).with_name("templates")
WRITTEN_ANEW = (Path(".env"), Path("kubernetes/kustomization.yaml"))  # they alone name the release
HIDDEN = {"env": ".env", "gitignore": ".gitignore"}  # a template's name -> the file's
LONGEST = 53  # characters of a name of Kubernetes to which it appends its own
IMAGE = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::\d+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
PROCESSES = 1024  # MiB of memory, without a model
COPIES = 4  # of the weights in memory: as read, as laid out for the processor, and as much again
STEP = 256  # MiB


class Template(string.Template):
    """`@{name}`, since Prometheus, Grafana and compose all have `$` and `{{`."""

    delimiter = "@"


@dataclass(frozen=True)
class Values:
    """What a project's files say."""

    name: str  # of everything in Kubernetes
    image: str  # without a tag
    tag: str
    release: str
    bento: str  # its folder, seen from the files' own
    memory: int  # MiB
    wait: str  # seconds that are long for a text to wait


def values(folder: Path, bento: Path, bundle: Path, release: str, image: str | None) -> Values:
    """What the files in `folder` say of this Bento, whose model and card are in `bundle`; `image` is where it
    is pushed to.

    Raises:
        UserError: `image` can be no image's name.
    """
    card = BundleCard.read(bundle / "card.json")
    name = re.sub("[^a-z0-9]+", "-", card.name)[:LONGEST].strip("-")
    if image is not None and not IMAGE.fullmatch(image):
        raise UserError(f"--image: found '{image}', expected a name such as registry.example.com/team/{name}")
    weights = sum(file.stat().st_size for file in bundle.rglob("*.safetensors"))
    return Values(
        name=name,
        image=image or name,
        tag=release or card.version,
        release=release,
        bento=Path(os.path.relpath(bento.resolve(), folder.resolve())).as_posix(),
        memory=PROCESSES + STEP * math.ceil(COPIES * weights / 2**20 / STEP),
        wait=f"{min(8.0, card.limits.max_wait_seconds / 2):g}",
    )


def rendered(given: Values) -> dict[Path, str]:
    """Every file, by its place in the folder."""
    return {place: Template(text).substitute(asdict(given)) for place, text in _templates()}


def write(folder: Path, given: Values) -> list[Path]:
    """Write what is not there, and which release it is; the files that are their owner's by now.

    Raises:
        UserError: the folder cannot be written.
    """
    return [
        folder / place
        for place, text in rendered(given).items()
        if not _ours(folder / place, text, place in WRITTEN_ANEW)
    ]


def _ours(target: Path, text: str, anew: bool) -> bool:
    """Write a file that is not there, or `anew`; whether it says this then. An empty one is to be filled."""
    try:
        if target.exists() and not anew:
            return not text or target.read_bytes() == text.encode()
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None
    return True


def _templates() -> Iterator[tuple[Path, str]]:
    for file in sorted(TEMPLATES.rglob("*")):
        if file.is_file():
            place = file.relative_to(TEMPLATES)
            yield place.with_name(HIDDEN.get(place.name, place.name)), file.read_text(encoding="utf-8")
