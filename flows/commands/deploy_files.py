"""`onetrunk deploy-files`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components import advice
from flows.commands.base import Command

if TYPE_CHECKING:
    from flows.deploying.files import Values


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and which image."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path("deploy"), help="default: %(default)s")
    parser.add_argument(
        "--image", metavar="NAME", help="where the image is pushed to; default: the project's name"
    )
    parser.add_argument(
        "--bento", type=Path, metavar="PATH", help="a Bento's folder; default: the champion's"
    )


def run(given: argparse.Namespace) -> int:
    """Write the files, and say what to do with them."""
    from flows import champion
    from flows.deploying import files

    release, bento = ("", given.bento) if given.bento else champion.released(Path.cwd())
    values = files.values(given.folder, bento, champion.bundle(bento), release, given.image)
    for kept in files.write(given.folder, values):
        print(f"{kept} is kept as it is; remove it to have it anew")
    image = f"{values.image}:{values.tag}"
    print(f"{given.folder} has the files that deploy {image}; next, on one machine or on many:")
    for command in _next(given, values):
        print(f"  {command}")
    return 0


def _next(given: argparse.Namespace, values: Values) -> Iterator[str]:
    """The commands that deploy it. A name without a registry is pushed to Docker's own hub, where it is
    somebody else's, and no cluster can pull it: so for many machines the registry comes first."""
    compose, manifests = (advice.word(given.folder / name) for name in ("compose.yaml", "kubernetes"))
    yield f"docker compose -f {compose} up --build"
    if "/" in values.image:
        image = f"{values.image}:{values.tag}"
        yield f"docker compose -f {compose} build service && docker push {image}"
        yield f"kubectl apply -k {manifests}"
    else:
        again = ["onetrunk", "deploy-files", given.folder, "--image", f"REGISTRY/{values.image}"]
        again += ["--bento", given.bento] if given.bento else []
        yield " ".join(map(advice.word, again))


COMMAND = Command(
    run,
    "write the files that deploy the champion",
    "Write a compose file (the service, Prometheus with alerts, Grafana with a board) and manifests of "
    "Kubernetes for the champion (docs/how-to/deploy.md). After a release, the same command writes the new "
    "one into .env and kustomization.yaml; other files that are there stay as they are.",
    arguments=arguments,
)
