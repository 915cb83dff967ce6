"""Pack code and bundle as a Bento folder: built in a private store, moved into place whole.

The same inputs give the same bytes, so that dvc.lock can name the result.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from components import program
from components.files import atomic_folder, is_litter, sha256
from components.release import bundle, runtimes, sbom, signing
from components.release.git import Git
from components.release.records import BundleCard, Origins
from components.release.variables import WORKERS
from components.settings.project import Packaging
from serving.bundle import LICENCES, REQUIREMENTS

BENTOFILE = Path(__file__).with_name("bentofile.yaml")
SERVICE = "serving.service"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # stands for the time of creation where there is no commit


def build(
    project: Path,
    packaging: Packaging,
    target: Path,
    origins: Origins | None = None,
    forced: str | None = None,
) -> BundleCard:
    """Build the Bento of the project's promoted model at `target` and return its card; `forced` is why it is
    built whatever the gate says.

    Raises:
        UserError: the verdict is not PROMOTE, a file is missing, altered or of another model, or the
            settings' key cannot sign it.
    """
    for litter in filter(is_litter, target.parent.glob(f".{target.name}.*")):  # of a build that was killed
        shutil.rmtree(litter)
    with tempfile.TemporaryDirectory(prefix="onetrunk-build-") as scratch:
        context = Path(scratch) / "context"
        made = Path(scratch) / "runtime"
        made.mkdir()
        runtimes.choose(project, packaging.runtime, made)
        _copy_code(context)
        requirements = context / "serving" / REQUIREMENTS.name
        _require(requirements, runtimes.pins_of(made))
        code, needs = _digest(context), sbom.packages(requirements, LICENCES)
        card = bundle.write(project, packaging, code, context / "bundle", origins, needs, forced, made)
        built = _run_bentoml(context, Path(scratch) / "home", card)
        _date(built, _created(project, card.commit))
        with atomic_folder(target) as folder:
            shutil.copytree(built, folder, dirs_exist_ok=True)
    signing.sign(target, project, packaging.signing)
    return card


def _copy_code(context: Path) -> None:
    """What the service can import, of every family, and what lies beside it; no more."""
    for source in program.files(program.closure(SERVICE)):
        copy = context / source.relative_to(program.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    shutil.copy(BENTOFILE, context)


def _require(requirements: Path, pins: Mapping[str, str]) -> None:
    """Add what a runtime needs to what a Bento installs."""
    text = requirements.read_text(encoding="utf-8")
    known = {canonicalize_name(line.partition("==")[0]) for line in text.splitlines()}
    lines = [f"{name}=={version}\n" for name, version in pins.items() if name not in known]
    requirements.write_text(text + "".join(lines), encoding="utf-8")


def _digest(folder: Path) -> str:
    """SHA-256 over the names and the bytes of all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _run_bentoml(context: Path, home: Path, card: BundleCard) -> Path:
    """`bentoml build` in a process and a store of its own: a kill harms no other Bento."""
    labels = {
        "model": card.model.sha256[:12],
        "commit": card.commit or "none",
        "verdict": card.verdict,
    }
    command = [sys.executable, "-m", "bentoml", "build", str(context), "--output", "tag"]
    command += ["--name", card.name, "--version", card.version]
    command += [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    environment = {name: value for name, value in os.environ.items() if name != WORKERS}  # of a service
    environment |= {"BENTOML_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=context, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"bentoml build failed:\n{done.stdout}\n{done.stderr}")
    return home / "bentos" / card.name / card.version


def _created(project: Path, commit: str | None) -> datetime:
    """When the project's commit was made: equal for all builds of it, and `bentoml list` sorts by it."""
    if commit is None:
        return EPOCH
    seconds = Git(project)("show", "--no-show-signature", "--no-patch", "--format=%ct", commit)
    return datetime.fromtimestamp(int(seconds), UTC)


def _date(bento: Path, created: datetime) -> None:
    """Replace the only thing that differs between two builds of the same: when it was made."""
    file = bento / "bento.yaml"
    line = rf"\1 {created.isoformat()}"
    text = re.sub(r"^(\s*creation_time:).*$", line, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")
