"""A `python` that has the libraries loaded: to import them costs each command, stage and service seconds.

A process imports them once for a whole run of the suite, and our modules that do not import Prefect. What stands
first on PATH as `python` lets it fork for each command; the fork runs the command with the caller's folder,
environment and open files, and is that `python` to what it starts in its turn. `onetrunk` beside it is the same for
our command line. A script has the libraries alone, and so has a Bento, or a command that would import other code.
Any other use of Python than ours, DVC's, BentoML's or a script's is the real one's. A fork hears the signals that
tell its `python` to end, and ends where that is killed or, a server, where the run ends that started it; but it is
another process, in no process group of its caller's and with another's memory, so what is measured, or killed with
all that belongs to it, is to be run by the real one.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import importlib.util
import io
import json
import logging
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__)
SOCKET = "python.socket"
LIBRARIES = (
    "dulwich.repo", "dulwich.worktree", "dvc.cli.parser", "dvc.commands.repro", "dvc.repo.artifacts",
    "dvc.repo.index", "dvc.repo.metrics", "dvc.repo.params", "dvc.repo.plots", "dvc.repo.reproduce",
    "dvc.repo.stage", "dvc.repo.trie", "dvc.rwlock", "dvc.utils.strictyaml", "dvc_data.hashfile.db.local",
    "fastapi.staticfiles", "great_expectations", "jinja2", "networkx", "polars", "prefect.artifacts",
    "prefect.automations", "prefect.flow_engine", "prefect.flows", "prefect.main", "prefect.server.api.server",
    "prefect.task_engine", "prefect.utilities.visualization", "pyarrow.parquet", "pydantic", "rich.live",
    "scmrepo.git", "seqeval.metrics", "sklearn.linear_model", "torch", "transformers",
)  # fmt: skip
OUR_PACKAGES = ("components", "flows", "serving")  # of the last one, what the others import
OPTIONAL = (
    "components.tracking.loggers.",
    "components.model.runtimes.",
)  # they import what not everybody has
STARTS = 300.0  # seconds that the libraries may take, on a busy machine
THREADS = ("GOMP_SPINCOUNT", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")
STAGES = ("components.stages.", "flows.running.time_steps")  # what computes
SERVER = "flows.running.server_process"  # it ends with its parent
OURS = (
    *STAGES, SERVER, "_bentoml_impl.worker", "bentoml", "dvc", "flows.cli", "flows.running.durable_dvc",
    "flows.running.outputs",
)  # fmt: skip
CLIENT = f"""#!{sys.executable} -IS
import json, os, signal, socket, sys
arguments = [*{{given}}, *sys.argv[1:]]
is_ours = arguments[:1] == ["-m"] and arguments[1].startswith({OURS})
if not is_ours and not (arguments and arguments[0].endswith(".py")):
    os.execv({sys.executable!r}, [{sys.executable!r}, *arguments])
parent, ends_with_parent = os.getppid(), arguments[1:2] == [{SERVER!r}]
open_ones = [file for file in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + file)]
files = [file for file in map(int, open_ones) if file < 3 or os.get_inheritable(file)]
with socket.socket(socket.AF_UNIX) as server:
    server.connect({{path!r}})
    asked = json.dumps([arguments, {{program!r}}, os.getcwd(), dict(os.environ), files]).encode()
    socket.send_fds(server, [len(asked).to_bytes(4, "big")], files)
    server.sendall(asked)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: server.send(bytes([number])))
    server.settimeout(1)
    while not ends_with_parent or os.getppid() == parent:
        try:
            sys.exit(int(server.recv(4) or b"1"))
        except TimeoutError:
            pass
"""


@contextlib.contextmanager
def loaded(folder: Path) -> Iterator[str]:
    """The folder that belongs first on PATH; for tests.once.served_once."""
    from components.environment import QUIET, THREADS_AND_MEMORY

    path, programs = folder / SOCKET, folder / "bin"
    # By the last word in its command line a live DVC is known.
    command = [sys.executable, str(HERE), str(path), "dvc"]
    server = subprocess.Popen(command, env={**THREADS_AND_MEMORY, **os.environ, **QUIET})
    programs.mkdir(exist_ok=True)
    for name, given in (("python", []), ("onetrunk", ["-m", "flows.cli"])):
        client = CLIENT.format(path=str(path), program=str(programs / "python"), given=given)
        (programs / name).write_text(client)
        (programs / name).chmod(0o755)
    try:
        deadline = time.monotonic() + STARTS
        while not path.exists() and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        yield str(programs)
    finally:
        server.terminate()
        server.wait()
        path.unlink(missing_ok=True)


def _serve(path: str) -> None:
    sys.path[0] = str(HERE.parents[1])
    for library in LIBRARIES:
        importlib.import_module(library)
    _ = sys.modules["transformers"].BertModel  # it imports what it is made of when it is asked for one
    prefect = sys.modules.pop("prefect")
    sys.modules["prefect"] = None  # type: ignore[assignment] # who imports it is imported when it has its settings
    ours = _our_modules()
    del sys.modules["prefect"]
    sys.meta_path.insert(0, _Renewed(prefect))
    logging.root.handlers.clear()  # Prefect's: a command that does not import it has none
    gc.collect()
    gc.freeze()  # or the first collection of each fork would copy the memory
    with socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as events:
        server.bind(path + ".new")
        server.listen()
        Path(path + ".new").rename(path)
        events.register(server, selectors.EVENT_READ)
        while True:
            (event, _), *_ = events.select()  # of several, the others next time
            if event.data:
                event.data()
            else:
                _answer(server.accept()[0], events, ours)


def _our_modules() -> dict[str, ModuleType]:
    """Our modules, with the validators of their records, but for those that import Prefect; taken out again."""
    from pydantic import BaseModel

    for package in map(importlib.import_module, OUR_PACKAGES[:2]):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(OPTIONAL):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)
    waiting = [BaseModel]
    while waiting:
        waiting += (kinds := waiting.pop().__subclasses__())
        for kind in kinds:
            if kind.__module__.partition(".")[0] in OUR_PACKAGES:
                kind.model_rebuild()
    names = [name for name in sys.modules if name.partition(".")[0] in OUR_PACKAGES]
    return {name: sys.modules.pop(name) for name in names}


def _answer(connection: socket.socket, events: selectors.BaseSelector, ours: dict[str, ModuleType]) -> None:
    """Run what is asked in a fork."""
    size, given, _, _ = socket.recv_fds(connection, 4, 64)
    asked = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)  # no more: a signal may follow
    with contextlib.suppress(ValueError):  # whoever asked was gone before all was said
        arguments, program, folder, environment, files = json.loads(asked)
        if child := os.fork():
            _Command(events, connection, child).watch()
        else:
            try:
                connection.close()
                _take(dict(zip(files, given, strict=True)))
                _run(arguments, program, folder, environment, ours)
            finally:
                os._exit(1)
    for file in given:
        os.close(file)  # or what the caller reads never ends


class _Command:
    """A fork that is at work, and the connection to whoever has asked for it."""

    def __init__(self, events: selectors.BaseSelector, connection: socket.socket, child: int) -> None:
        self._events, self._connection = events, connection
        self._child, self._running = child, os.pidfd_open(child)

    def watch(self) -> None:
        self._events.register(self._connection, selectors.EVENT_READ, self._hear)
        self._events.register(self._running, selectors.EVENT_READ, self._end)

    def _hear(self) -> None:
        """Pass on the caller's signals; one who is gone takes the child along."""
        heard = b""
        with contextlib.suppress(OSError):
            heard = self._connection.recv(16)
        for number in heard or [signal.SIGKILL]:
            os.kill(self._child, number)
        if not heard:
            self._events.unregister(self._connection)

    def _end(self) -> None:
        """Say how the child has ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        self._events.unregister(self._running)
        os.close(self._running)
        with contextlib.suppress(KeyError):
            self._events.unregister(self._connection)
        with contextlib.suppress(OSError):
            self._connection.sendall(str(code if code >= 0 else 128 - code).encode())
        self._connection.close()


def _take(files: dict[int, int]) -> None:
    """Have the caller's open files under the caller's numbers."""
    highest = max(*files, *files.values())
    beyond = {number: fcntl.fcntl(file, fcntl.F_DUPFD, highest + 1) for number, file in files.items()}
    for file in files.values():
        os.close(file)
    for number, file in beyond.items():
        os.dup2(file, number)
        os.close(file)


def _run(
    arguments: list[str], program: str, folder: str, environment: dict[str, str], ours: dict[str, ModuleType]
) -> None:
    """Be `python`, called as this program, with these arguments."""
    code: object = 0
    sys.executable, sys.orig_argv = program, [program, *arguments]
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))  # into a Bento's files
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # what a run says of a stage it says at once
    try:
        os.chdir(folder)
        is_module = arguments[0] == "-m"
        is_command = is_module and not arguments[1].startswith(STAGES)
        if arguments[1:2] == [SERVER]:
            arguments[2] = str(os.getppid())  # who ends with the run that started it
        # Under these a stage that computes would start again.
        tuned = {} if is_command else {name: os.environ[name] for name in THREADS}
        os.environ.clear()
        os.environ.update({**tuned, **environment})
        own = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one]
        sys.path[:1] = [folder if is_module else str(Path(arguments[0]).resolve().parent), *own]
        sys.argv = arguments[1:] if is_module else arguments
        if is_module:
            _have(ours, arguments[1])
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _have(ours: dict[str, ModuleType], run: str) -> None:
    """To run one of our modules have the others, where to import them would find the same files."""
    found = {package: importlib.util.find_spec(package) for package in OUR_PACKAGES}
    same = all(spec and spec.origin == ours[package].__file__ for package, spec in found.items())
    if same and run.partition(".")[0] in OUR_PACKAGES:
        sys.modules.update({name: module for name, module in ours.items() if name != run})


class _Renewed(MetaPathFinder, Loader):
    """Prefect, loaded, which reads its settings when a fork imports it, as it otherwise does."""

    def __init__(self, prefect: ModuleType) -> None:
        self._prefect, self._spec = prefect, prefect.__spec__

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name == self._prefect.__name__ else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._prefect

    def exec_module(self, module: ModuleType) -> None:
        from prefect import context
        from prefect.logging import configuration

        module.__spec__ = self._spec  # which says where its files are
        context.refresh_global_settings_context()
        configuration.setup_logging(incremental=False)


if __name__ == "__main__":
    _serve(sys.argv[1])
