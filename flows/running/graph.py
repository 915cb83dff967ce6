"""The pipeline's graph, read from DVC's own index; no stage is written down a second time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import program
from components.errors import UserError, disk_sentence, near_miss
from components.files import atomic_file
from flows.running import dvc_files

if TYPE_CHECKING:
    from dvc.repo import Repo

LOCK = Path(dvc_files.LOCK)
PROGRAM = "program"  # the stage that writes down what code the others can reach
ENCODER = "encoder"  # the stage that brings the encoder; what it would do can be told without it


class BusyError(UserError):
    """Another DVC process is working on the project's files, so they cannot be compared now."""


@dataclass(frozen=True)
class Graph:
    """The stages in the order in which `dvc repro` runs them."""

    upstream: dict[str, frozenset[str]]  # stage -> the stages whose outputs it reads
    changed: frozenset[str]  # stages that `dvc status` finds changed
    always_changed: frozenset[str] = frozenset()  # those that it always does: they ask what DVC cannot see

    reasons: dict[str, list[Any]] = field(default_factory=dict)  # changed stage -> what DVC says of it

    @cached_property
    def stale(self) -> frozenset[str]:
        """The stages that may have to run: the changed ones and all that follows from them."""
        stale: set[str] = set()
        for name, parents in self.upstream.items():
            if name in self.changed or parents & stale:
                stale.add(name)
        return frozenset(stale)

    @cached_property
    def distance(self) -> dict[str, int]:
        """stage -> number of stages on the longest way from it to an end of the pipeline."""
        distance = dict.fromkeys(self.upstream, 0)
        for name, parents in reversed(self.upstream.items()):
            for parent in parents:
                distance[parent] = max(distance[parent], distance[name] + 1)
        return distance

    def if_unchanged(self) -> Graph:
        """The graph if what is always asked (a remote's version, the champion) has the answer it had."""
        return replace(self, changed=self.changed - self.always_changed)

    def up_to(self, target: str) -> Graph:
        """The part of the graph that `target` needs, with `target` itself.

        Raises:
            UserError: there is no such stage.
        """
        if target not in self.upstream:
            known = ", ".join(self.upstream)
            near = near_miss(target, self.upstream)
            raise UserError(f"dvc.yaml: no stage '{target}'{near}; stages are {known}")
        needed = {target}
        for name, parents in reversed(self.upstream.items()):
            if name in needed:
                needed |= parents
        upstream = {name: parents for name, parents in self.upstream.items() if name in needed}
        return Graph(upstream, self.changed & needed, self.always_changed & needed, self.reasons)


def read() -> Graph:
    """Read stages and edges of the project in the current folder, and compare them with its files.

    Raises:
        BusyError: a stage of the project is being run.
        UserError: dvc.yaml, dvc.lock or params.yaml cannot be read as a pipeline, or it has a cycle.
    """
    from dvc.repo.reproduce import get_active_graph, plan_repro

    with repository() as repo:
        graph = get_active_graph(repo.index.graph)  # an edge leads from a stage to what it needs
        upstream = {
            stage.addressing: frozenset(parent.addressing for parent in graph.successors(stage))
            for stage in plan_repro(graph)
        }
        always_changed = frozenset(stage.addressing for stage in graph if stage.always_changed) - {ENCODER}
        reasons = _changed(repo)
        return Graph(upstream, frozenset(reasons) & upstream.keys(), always_changed, reasons)


def _changed(repo: Repo) -> dict[str, list[Any]]:
    """The stages that DVC finds changed, and those that can reach code that `program/` does not describe yet;
    each with the reasons, as DVC gives them.

    DVC finds the stages `program` and `encoder` always changed; here they are so only where they would write
    something else.
    """
    found: dict[str, list[Any]] = repo.status()
    if found.get(ENCODER) == ["always changed"]:
        found[ENCODER] = [{"changed deps": {"model.encoder": "modified"}}]
        if _encoder_is_settled(Path(repo.root_dir)):
            del found[ENCODER]
    if PROGRAM not in found:  # the graph of a project that depends on code in another way, or not at all
        return found
    from components import params
    from components.folders import NOTES, left_over
    from components.stages.program import contents

    root = Path(repo.root_dir)
    outdated = {root / file for file in program.outdated(program.FOLDER, contents())}
    settled = all((root / folder).is_dir() for folder in NOTES) and not left_over(params.load(), root)
    if not outdated and settled and found[PROGRAM] == ["always changed"]:
        del found[PROGRAM]
    for stage in repo.index.stages:
        for dependency in stage.deps:
            if (path := Path(dependency.fs_path)) in outdated:
                reason = {"changed deps": {str(path.relative_to(root)): "modified"}}
                found.setdefault(stage.addressing, []).append(reason)
    return found


def _encoder_is_settled(root: Path) -> bool:
    from components import params
    from components.data.sources import encoder

    return encoder.is_settled(params.load(), root)


def locked_stages() -> list[str]:
    """The stages that dvc.lock holds, in its order."""
    from dvc.utils.serialize import load_yaml

    return list(load_yaml(LOCK).get("stages", {})) if LOCK.is_file() else []


def settle_lock(before: list[str], graph: Graph) -> None:
    """Put the entries that dvc.lock has gained since `before` into the order of `dvc repro`.

    DVC appends a stage when it is done, so side by side the order would be left to chance, and
    two runs over the same inputs would differ in git.
    """
    from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update

    with repository():
        now = locked_stages()
        known = [name for name in before if name in now]
        settled = known + [name for name in graph.upstream if name in now and name not in known]
        settled += [name for name in now if name not in settled]
        if settled == now:
            return
        lock = parse_yaml_for_update(LOCK.read_text(encoding="utf-8"), LOCK)
        entries = dict(lock["stages"])
        lock["stages"].clear()
        lock["stages"].update({name: entries[name] for name in settled})
        with atomic_file(LOCK.resolve()) as temporary:
            temporary.write_text(dumps_yaml(lock), encoding="utf-8")
        dvc_files.keep(Path())


@contextmanager
def repository() -> Iterator[Repo]:
    """DVC's view of the project under DVC's lock, what killed processes have left put right before.

    DVC's complaints and the disk's become the user's one sentence.
    """
    import logging

    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo, lock_repo

    logging.getLogger("dvc").setLevel(logging.ERROR)
    try:
        # Another DVC process holds its lock for moments only: wait rather than fail.
        with Repo(_wait_for_lock=True) as repo, lock_repo(repo):
            dvc_files.say(dvc_files.mend(Path()))
            yield repo
    except LockError as error:
        pids = ", ".join(re.findall(r"PID (\d+)", str(error)))
        raise BusyError(
            f"DVC is running a stage of this project (pid {pids}); wait for its end or stop it"
        ) from None
    except DvcException as error:
        raise UserError(disk_sentence(error) or _sentence(error)) from None


def _sentence(error: BaseException) -> str:
    """DVC's message on one line, with the first cause, which alone knows the key or the line."""
    cause = error
    while cause.__cause__:
        cause = cause.__cause__
    message, reason = (" ".join(str(part).split()) for part in (error, cause))
    mark = getattr(cause, "problem_mark", None)
    if mark is not None:
        reason = f"line {mark.line + 1}: {getattr(cause, 'problem', cause)}"
    sentence = message if reason in message else f"{message}: {reason}"
    return sentence if "dvc." in sentence else f"dvc.yaml: {sentence}"
