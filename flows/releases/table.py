"""`onetrunk releases`: every release on a line, the newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from components.advice import word
from components.release import registry, tags
from components.release.records import ReleasedTask, ReleaseRecord
from components.release.registry import Registry
from flows.rollout import planning
from flows.running import clock


def show(root: Path, limit: int | None, as_json: bool) -> None:
    """Print the newest `limit` releases, or all; as a table, or as one JSON list."""
    found = registry.read(root)
    versions = sorted(found.versions, key=tags.order, reverse=True)
    shown = [one.record for one in found.releases(versions[:limit])]
    stages, why = found.stages(), found.rolled_back
    tried = planning.trials(found, root)
    if as_json:
        said = [
            {
                **one.model_dump(mode="json"),
                "stages": stages.get(one.version, []),
                "rolled_back": why.get(one.version),
                "trials": [trial.model_dump(mode="json") for trial in tried.get(one.version, [])],
            }
            for one in shown
        ]
        print(json.dumps(said, ensure_ascii=False))
    elif not shown:
        print("no release yet; `onetrunk run` makes one")
    else:
        words = {version: ", ".join(names) for version, names in stages.items()}
        words |= {version: f"{words[version]}: {reason}" for version, reason in why.items() if reason}
        for version, trials in tried.items():
            words[version] = "; ".join(filter(None, (words.get(version), trials[-1].said)))
        _print(shown, words, len(versions) - len(shown))
        for sentence in _mixed(found, shown):
            print(sentence)
        for name in found.unread():
            print(
                f"tag {name} was not made by onetrunk and changes nothing here, whatever `gto show` says; to "
                f"serve another release: `onetrunk promote VERSION`"
            )


def _mixed(found: Registry, shown: list[ReleaseRecord]) -> Iterator[str]:
    """What does not fit together where two clones have released at once, and one took some tags of the other
    and kept some of its own."""
    known = {one.version: one.identity for one in shown}
    for one in shown:
        if one.against and known.get(one.against.release, one.against) != one.against:
            theirs = " ".join(map(word, tags.refspecs(found.git, one.name)))
            yield (
                f"{one.version} was compared with another {one.against.release} than the one here: the tags "
                f"of two clones are mixed; take those of one: git fetch --force --prune REMOTE {theirs}"
            )


def _print(shown: list[ReleaseRecord], stages: dict[str, str], more: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("version", "released", "verdict", "tasks, and against the champion then", "stage"):
        table.add_column(title, overflow="fold", no_wrap=title in ("version", "released"))
    for record in shown:
        tasks = "  ".join(f"{name} {_measured(task)}" for name, task in record.tasks.items())
        words = [record.version, clock.local(record.date), record.judged, tasks]
        table.add_row(*map(Text, words), Text(stages.get(record.version, "")))
    console = Console(highlight=False)
    console.print(table)
    for record in shown:
        if record.because:
            console.print(Text(f"{record.version} was asked for by {record.because}"))
        if record.beginning and record.beginning.release:
            console.print(Text(f"{record.version} began with the weights of {record.beginning.release}"))
    if more:
        console.print(f"and {more} more; all of them: onetrunk releases --all")


def _measured(task: ReleasedTask) -> str:
    """A task's value, and how far it was from the champion of then."""
    if task.value is None:
        return "not recorded"
    difference = "" if task.difference is None else f" ({task.difference:+.3f})"
    return f"{task.value:.3f}{difference}"
