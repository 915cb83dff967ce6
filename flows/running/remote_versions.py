"""What is always asked (remotes' versions, the champion, the program's code) is asked before a server is
started for a run that may have nothing to do."""

from __future__ import annotations

from pathlib import Path

from flows.running import dvc_stage, graph
from flows.running.graph import Graph


def ask(root: Path, stages: Graph) -> Graph:
    """Run the stages that only ask, if nothing else is to be done, and see what follows from the answers; the
    stage `program` in any case, for all others depend on what it writes.

    Where one fails, the graph comes back as it was: the flow runs it again, and retries and reports.
    """
    if graph.PROGRAM in stages.changed:
        if dvc_stage.run(root, graph.PROGRAM, lambda line: None).verb == "failed":
            return stages
        stages = Graph(stages.upstream, graph.read().changed & stages.upstream.keys(), stages.always_changed)
    if not stages.changed or not stages.changed <= stages.always_changed:
        return stages
    for name in sorted(stages.changed):
        if dvc_stage.run(root, name, lambda line: None).verb == "failed":
            return stages
    found = graph.read()
    changed = found.changed & stages.upstream.keys() - stages.always_changed
    return Graph(stages.upstream, changed, stages.always_changed)
