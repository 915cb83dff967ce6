"""A toy project with real git and DVC: stages that write folders and files as the pipeline's own do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]

WORK = '''
"""work.py STAGE: read what the stage depends on, write what it makes, as the pipeline's own stages do."""
import hashlib, pathlib, sys, time
from components.files import atomic_folder, write_json
from components.release.git import Git, turn

stage, _, name = sys.argv[1].partition("@")
text = pathlib.Path("input.txt").read_text()


def folder(path, source):
    with atomic_folder(pathlib.Path(path)) as target:
        for part in range(20):
            (target / f"{part}.txt").write_text(f"{source}{part}\\n" * 500)
            time.sleep(0.01)


def below(path):
    files = sorted(p for p in pathlib.Path(path).rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(str(p).encode() + p.read_bytes() for p in files)).hexdigest()


if stage == "ingest":
    folder(f"data/{name}", name + text)
elif stage == "encode":
    folder(f"encoded/{name}", below(f"data/{name}"))
elif stage == "plan":
    write_json(pathlib.Path("reports/plan.json"), below("encoded"))
elif stage == "train":
    time.sleep(0.5)
    folder("models/multitask", below("encoded") + below("reports/plan.json"))
elif stage == "gate":
    write_json(pathlib.Path("reports/gate.json"), {"model": below("models")})
else:
    model, git = below("models")[:12], Git(pathlib.Path())
    tag, blob = f"refs/tags/toy@{model}", git("hash-object", "-w", "--stdin", text=model.encode())
    with turn(git) as mine:
        if not git("for-each-ref", tag):
            mine.create({tag: blob})
    write_json(pathlib.Path("reports/release.json"), {"release": model})
'''

DVC = """
stages:
  ingest:
    foreach: [left, right]
    do:
      cmd: python work.py ingest@${item}
      deps: [work.py, input.txt]
      outs:
        - data/${item}
  encode:
    foreach: [left, right]
    do:
      cmd: python work.py encode@${item}
      deps:
        - data/${item}
      outs:
        - encoded/${item}
  plan: {cmd: python work.py plan, deps: [encoded], outs: [reports/plan.json]}
  train: {cmd: python work.py train, deps: [encoded, reports/plan.json], outs: [models/multitask]}
  gate: {cmd: python work.py gate, deps: [models/multitask], outs: [reports/gate.json]}
  release:
    cmd: python work.py release
    deps: [reports/gate.json, models/multitask]
    outs: [reports/release.json]
"""


def make(folder: Path) -> Path:
    """Write the toy project."""
    folder.mkdir(parents=True)
    shutil.copy(CHECKOUT / "params.yaml", folder)
    (folder / "dvc.yaml").write_text(DVC)
    (folder / "work.py").write_text(WORK)
    (folder / "input.txt").write_text("one\n")
    ignored = ("data", "encoded", "models", "reports", ".onetrunk")
    (folder / ".gitignore").write_text("".join(f"/{name}\n" for name in ignored))
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=folder, check=True, env=environment())
    return folder


def environment() -> dict[str, str]:
    """For a process in a project that imports this checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    quiet = {"DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    return {**os.environ, **quiet, "PATH": path, "PYTHONPATH": str(CHECKOUT)}
