"""The pipeline, brought up to date in front of a person."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

from components.errors import EXIT_FAILED

DATA_GATE = "data_gate"  # the stage that has seen the rows of all tasks


def bring_up_to_date(target: str | None) -> int:
    """Say what is wrong, or that nothing is to be done, before Prefect's server starts; then run the flow.

    `target` is the last stage that is run; None for all of them. Returns the exit code.

    Raises:
        UserError: a mistake in settings or data, no room on the disk, or nowhere to release to.
    """
    from components import params
    from components.data.ingest.preview import preview
    from components.data.sources import encoder
    from components.params.checks import named_labels
    from components.release import registry, signing
    from flows.running import console, disk, lock, prefect_server

    root = Path.cwd()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as with Ctrl-C: stop the stages, then end
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup's word stands
            signal.signal(number, signal.default_int_handler)
    project = params.load()
    registry.read(root)  # what could not be released need not be trained
    preview(project)
    encoder.foresee(project, root)
    if target is None:
        signing.ready(root, project.packaging.signing)
    elif warning := signing.foresee(root, project.packaging.signing):
        print(f"warning: {warning}", file=sys.stderr)
    with console.without_reader(), lock.only_run(root):
        lock.stop_orphans(root)

        from flows.running import graph, remote_versions, report

        stages = graph.read()
        if target is not None:
            stages = stages.up_to(target)
        stages = remote_versions.ask(root, stages)
        if DATA_GATE in stages.upstream.keys() - stages.stale:  # which asks itself, where it runs
            named_labels.check(params.PARAMS, project, root)
        if not stages.stale:  # a server that starts only to skip every stage is half a minute of waiting
            return report.nothing_to_do(root, target, stages)
        report.announce(stages)
        disk.require_room(root, disk.of_a_model(project) if "train" in stages.stale else 0)
        prefect_server.configure(root)
        os.environ[lock.MARK] = str(root)  # the server's too, which must be found if it outlives a killed run
        server = prefect_server.start()
        return _run_flow(root, target, server)


def _run_flow(root: Path, target: str | None, server: str) -> int:
    """Run the flow against the server at this address, and show what came of it."""
    from flows.retrain import retrain
    from flows.running import disk, prefect_server, report, run_state

    own, show = partial(run_state.own, root), partial(report.show, root, target)
    with prefect_server.outlived(server, own, show):
        try:
            state = retrain(target, return_state=True)
        except Exception as error:
            if not run_state.has_ended(root):
                disk.require_room(root)  # where there is none, Prefect's server fails in many ways
                return _server_failed(error)
        else:
            if not run_state.has_ended(root):
                state.result()  # a bug raises its own exception
    code = show()
    return EXIT_FAILED if code is None else code


def _server_failed(error: Exception) -> int:
    """Say it in one sentence; a bug is raised."""
    from flows.running import prefect_server

    sentence = prefect_server.sentence_of(error)
    if sentence is None:
        raise error
    print(f"error: {sentence}", file=sys.stderr)
    return EXIT_FAILED
