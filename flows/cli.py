"""`onetrunk`: the pipeline for people. Each command is a thin call of what stages and flows already are.

Nothing heavy is imported before a command needs it, so that --help and a mistake are answered at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from components.environment import restart_in_utf8, settle_home
from components.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_USER_ERROR,
    UserError,
    disk_sentence,
    near_miss,
)

if TYPE_CHECKING:
    from components.families.base import Row

READY_TO_TRAIN = "plan"  # the stage that stands between data and encoder and the first GPU second


class Parser(argparse.ArgumentParser):
    """Says what argparse says in one sentence, and names the nearest command for an unknown one."""

    def error(self, message: str) -> NoReturn:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction) and "invalid choice: '" in message:
                found = message.split("'")[1]
                known = ", ".join(action.choices)
                message = (
                    f"unknown command '{found}'{near_miss(found, action.choices)}; expected one of {known}"
                )
        print(f"error: {message}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


PLAIN = {  # commands without options: in the list of commands, and in their own help
    "run": (
        "bring everything up to date: data, model, evaluation, gate, Bento",
        "Bring everything up to date. Stages whose inputs have not changed are skipped, so the command can "
        "be given again at any time, and after an interruption it goes on where it was. It ends with 0 when "
        "everything is up to date and released, with 1 when a stage failed, with 2 for a mistake in settings "
        "or data or when the gate did not say PROMOTE, with 130 when it was interrupted. Each stage's output "
        "is in .onetrunk/logs/ (of earlier runs in .onetrunk/runs/), the reports are in reports/.",
    ),
    "check": (
        "check settings, data and encoder; no training",
        "Read params.yaml and every row, clean, split and validate them, bring the encoder and see whether "
        "it fits, encode the texts and plan the mixture, and stop before the first second of training. "
        "reports/validation.html shows what was found.",
    ),
    "status": (
        "which stages are up to date, the last run and verdict, the champion",
        "Say what would run and why, how and when the last run ended, what the gate said of the model that "
        "is here, and which release is the champion. Starts nothing.",
    ),
    "upgrade": (
        "bring the project to another version of the program, and say what would run again",
        "After another version of the program was installed: bring dvc.yaml to its pipeline, and say which "
        "stages the next run would run again and which changed files are the reason. Runs nothing.",
    ),
    "clean": (
        "remove what the pipeline has made, and nothing else",
        "Remove the outputs of all stages but for downloads/, releases/ and the encoder, and the program's "
        ".onetrunk/. A file among them that no record names as made here stays, and is named. dvc.lock stays "
        "too, so `dvc checkout` or `onetrunk run` brings the outputs back from DVC's cache.",
    ),
    "monitor": (
        "score new articles, and raise an event where negative news surges",
        "Score the articles that have come since the last time with the champion, and raise an event where "
        "negative news on a topic surges (docs/how-to/monitoring.md).",
    ),
}


def parser() -> Parser:
    """The command line."""
    result = Parser(
        prog="onetrunk", description="One model for many text tasks: train, gate, package, serve."
    )
    result.add_argument("--version", action="version", version=f"onetrunk {version('onetrunk')}")
    commands = result.add_subparsers(dest="command", metavar="COMMAND")
    init = commands.add_parser("init", help="make a project that uses this program")
    init.add_argument("folder", type=Path, metavar="FOLDER", help="where; it must not be there yet")
    init.add_argument(
        "--from",
        dest="start",
        default="built-in",
        metavar="START",
        help="an example, or empty; default: %(default)s",
    )
    for name, (short, long) in PLAIN.items():
        commands.add_parser(name, help=short, description=long)
    history = commands.add_parser("history", help="the last runs: when, how long, what they came to")
    history.add_argument("--json", action="store_true", help="all that are remembered, as one JSON list")
    serve = commands.add_parser("serve", help="serve the champion over HTTP")
    serve.add_argument("--bento", type=Path, metavar="PATH", help="a Bento's folder; default: the champion's")
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine only")
    serve.add_argument("--port", type=_port, default=3000, help="default: %(default)s")
    predict = commands.add_parser("predict", help="ask the champion about a text")
    predict.add_argument("text", metavar="TEXT", help="a text, or a JSON object with a task's inputs")
    predict.add_argument("--pair", metavar="TEXT", help="the second text, for tasks about a pair")
    predict.add_argument(
        "--task", action="append", metavar="NAME", help="may be given again; default: every task that fits"
    )
    which = predict.add_mutually_exclusive_group()
    which.add_argument("--candidate", action="store_true", help="ask the trained model that is not released")
    which.add_argument("--bento", type=Path, metavar="PATH", help="ask a Bento's folder")
    which.add_argument("--url", help="ask a running service instead, e.g. http://127.0.0.1:3000")
    rows = commands.add_parser("rows", help="test rows, what the model said of them, and the gold answer")
    rows.add_argument("task", metavar="TASK", help="as in params.yaml")
    rows.add_argument("--id", metavar="ID", help="the row of this id")
    rows.add_argument(
        "--wrong", action="store_true", help="where it is wrong, the worst by the gate's metric first"
    )
    rows.add_argument("--limit", type=_positive, default=10, metavar="N", help="rows; default: %(default)s")
    new_task = commands.add_parser("new-task", help="look at data and propose the task for params.yaml")
    new_task.add_argument("data", metavar="FILE_OR_ADDRESS", help="a file, a folder, or e.g. s3://bucket/key")
    new_task.add_argument("--name", help="of the task; default: after the file")
    new_task.add_argument("--family", help="instead of the guessed one")
    new_task.add_argument("--column", action="append", default=[], metavar="ROLE=NAME", help="e.g. text=body")
    new_task.add_argument(
        "--joint", action="append", default=[], metavar="NAME", help="a column that a further head learns"
    )
    new_task.add_argument("--write", action="store_true", help="write the task into params.yaml")
    search = commands.add_parser("search", help="try other settings, and find the best on validation rows")
    search.add_argument("name", nargs="?", metavar="NAME", help="as in params.yaml, or static, the preset")
    search.add_argument("--trials", type=_positive, metavar="N", help="instead of the declared number")
    search.add_argument("--apply", action="store_true", help="write the best trial so far into params.yaml")
    return result


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a port from 1 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a whole number above 0")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit 2 with one sentence for a user's mistake, 1 for a run that failed."""
    _open_streams()
    if arguments is None:  # the program itself, not somebody who calls it
        restart_in_utf8()
    commands = parser()
    given = commands.parse_args(arguments)
    if given.command is None:
        commands.print_help()
        sys.exit(EXIT_USER_ERROR)
    try:
        if given.command != "init" and not (given.command == "predict" and given.url):
            _require_project(Path.cwd(), whatever_its_version=given.command == "upgrade")
            settle_home(Path.cwd() / ".onetrunk/home")
        code = COMMANDS[given.command](given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = EXIT_USER_ERROR
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except Exception as error:
        sentence = disk_sentence(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        code = EXIT_USER_ERROR
    sys.exit(code)


def _open_streams() -> None:
    """Let standard streams that are closed lead nowhere, or the next opened file would take their number; and
    print what a terminal cannot show as question marks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _require_project(root: Path, whatever_its_version: bool = False) -> None:
    """Check that `root` is the folder of a project, and that it holds no code of an earlier version.

    Raises:
        UserError: it is not, with what to do.
    """
    for name in ("params.yaml", "dvc.yaml"):
        if not (root / name).is_file():
            raise UserError(f"{root}: no {name} here; run onetrunk in the project's folder")
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        raise UserError(f"{root}: not a git repository; run `git init` and `dvc init` in it")
    if not (root / ".dvc").is_dir():
        raise UserError(f"{root}: DVC is not set up here; run `dvc init` in it")
    if not whatever_its_version:
        from flows import upgrade

        upgrade.refuse_earlier(root)


def _init(given: argparse.Namespace) -> int:
    from flows import init

    return init.run(given.folder, given.start)


def _upgrade(given: argparse.Namespace) -> int:
    from flows import upgrade

    return upgrade.run(Path.cwd())


def _run(given: argparse.Namespace) -> int:
    return _flow(target=None)


def _check(given: argparse.Namespace) -> int:
    return _flow(target=READY_TO_TRAIN)


def _flow(target: str | None) -> int:
    """Say what is wrong, or that nothing is to be done, before Prefect's server starts; then run the flow."""
    from components import params
    from components.data.ingest.preview import preview
    from flows.running import console, disk, lock, prefect_server

    root = Path.cwd()
    for number in (signal.SIGTERM, signal.SIGHUP):  # as with Ctrl-C: stop the stages, then end
        signal.signal(number, signal.default_int_handler)
    project = params.load()
    preview(project)
    with console.without_reader(), lock.only_run(root):
        lock.stop_orphans(root)

        from flows.running import graph, remote_versions, report, run_state

        stages = graph.read()
        if target is not None:
            stages = stages.up_to(target)
        stages = remote_versions.ask(root, stages)
        if not stages.stale:  # a server that starts only to skip every stage is half a minute of waiting
            return report.nothing_to_do(root, target, stages)
        report.announce(stages)
        disk.require_room(root, disk.of_a_model(project) if "train" in stages.stale else 0)
        prefect_server.configure(root)
        server = prefect_server.start()

        from flows.retrain import retrain

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


def _status(given: argparse.Namespace) -> int:
    from flows import status

    status.show(Path.cwd())
    return 0


def _history(given: argparse.Namespace) -> int:
    from flows import history

    history.show(Path.cwd(), given.json)
    return 0


def _serve(given: argparse.Namespace) -> int:
    from flows import champion

    champion.serve(given.bento or champion.find(Path.cwd()), given.host, given.port)
    return 0


def _predict(given: argparse.Namespace) -> int:
    from flows import champion

    request = {"texts": [_item(given.text, given.pair)], "tasks": given.task}
    url = given.url
    answers = champion.ask_service(url, request) if url else champion.ask(_bundle(given), request)
    champion.show(answers)
    return 0


def _bundle(given: argparse.Namespace) -> Path:
    """The folder of the model that `predict` asks; that it is not the champion is said beside the answer."""
    from flows import champion

    root = Path.cwd()
    if given.candidate:
        print("asked the model in models/multitask, which the gate has not released", file=sys.stderr)
        return champion.candidate(root)
    return champion.bundle(given.bento or champion.find(root))


def _rows(given: argparse.Namespace) -> int:
    from flows import rows

    return rows.run(Path.cwd(), given.task, given.id, given.wrong, given.limit)


def _new_task(given: argparse.Namespace) -> int:
    from flows import new_task

    wishes = new_task.wishes_of(given.name, given.family, given.column, given.joint)
    return new_task.run(given.data, wishes, given.write)


def _search(given: argparse.Namespace) -> int:
    """Settle what is asked before anything heavy is imported or the process starts again, tuned to train."""
    from components import params
    from components.environment import restart_tuned
    from components.search import presets

    project = params.load()
    name, declared = presets.find(project, given.name)
    if given.trials is not None:
        declared = declared.model_copy(update={"trials": given.trials})
    restart_tuned()

    from flows import search

    return (search.apply if given.apply else search.run)(Path.cwd(), project, name, declared)


def _clean(given: argparse.Namespace) -> int:
    from flows import clean

    return clean.run(Path.cwd())


def _monitor(given: argparse.Namespace) -> int:
    """Say what is wrong before Prefect's server starts; then run the flow."""
    from components import params
    from components.params.checks.monitor import find
    from flows import champion
    from flows.running import prefect_server

    root = Path.cwd()
    find(params.load())
    champion.find(root)
    prefect_server.configure(root)
    prefect_server.start()

    from flows.monitor import REFUSED, monitor

    state = monitor(return_state=True)
    if state.name == REFUSED:
        raise UserError(str(state.message))
    state.result()
    return 0


def _item(text: str, pair: str | None) -> Row:
    """What the tasks read: `text` and `text_pair`, or the object that TEXT is as JSON."""
    if not text.lstrip().startswith("{"):
        return {"text": text, "text_pair": pair} if pair is not None else {"text": text}
    try:
        item: Row = json.loads(text)
    except ValueError as error:
        raise UserError(f"TEXT begins with a brace but is not JSON ({error})") from None
    return item


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "init": _init,
    "upgrade": _upgrade,
    "run": _run,
    "check": _check,
    "status": _status,
    "history": _history,
    "serve": _serve,
    "predict": _predict,
    "rows": _rows,
    "new-task": _new_task,
    "search": _search,
    "clean": _clean,
    "monitor": _monitor,
}

if __name__ == "__main__":
    main()
