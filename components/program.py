"""The program's own code, by what imports what: which lines each stage can reach.

One source for three uses: the files `program/STAGE.json`, on which every stage depends instead of on code;
the name of a training run, so that other code begins another run; and the files that a Bento carries
(docs/decisions/0030-code-by-imports.md). It reads sources and imports none of them.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import cache_from_source
from pathlib import Path

from components.files import BYTECODE, atomic_file

ROOT = Path(__file__).parents[1]  # the checkout, or site-packages
PACKAGES = ("components", "serving")
STAGES = "components.stages"
STAGE = "components.stages.program"  # which writes this down
FOLDER = Path("program")  # of a project
PER_TASK = ("ingest", "validate", "encode", "baseline", "alone")
ALSO = {"package": ("serving.service",)}  # what a stage takes along without importing it
FAMILY = re.compile(r"components\.families\.(\w+)\.family")

# Imports that are not followed, since nothing behind them can change what a stage writes.
NEVER_FOLLOWED = (
    "components.params.checks",  # they refuse settings or do nothing
    "components.params.searches",
    "components.settings.search",  # read by commands, by no stage
    "components.settings.monitor",
    "components.settings.retrain",
    "components.settings.rollout",
    "components.program",  # what it decides is in the files that it writes
)
WATCH = ("components.tracking",)  # shows a training and logs it
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)  # what may have a docstring
NOT_FOLLOWED = {"train": WATCH, "alone": WATCH, "joint": WATCH}

# What sources say, by their contents, beside Python's bytecode of them: to parse all takes a second.
MEMORY = Path(cache_from_source(__file__)).with_suffix(".json")


@dataclass(frozen=True)
class Source:
    """What a source file imports of ours, and what it says beside its comments and docstrings."""

    imports: frozenset[str]  # names of modules, or patterns of them: components.families.*.family
    named: frozenset[str]  # every string in it that could be the name of a file
    meaning: str  # SHA-256, short


USED: dict[str, Source] = {}  # of this process


@dataclass(frozen=True)
class Module:
    """A module of ours, which is read when its source is asked for: a stage reaches a part of them, and to
    read all takes seconds."""

    name: str
    path: Path

    @cached_property
    def source(self) -> Source:
        """What its file says, as of now."""
        content = self.path.read_bytes()
        key = _digest(f"{self.name}\n".encode() + content)
        USED[key] = USED.get(key) or _remembered().get(key) or _read(self.name, content)
        return USED[key]


@cache
def modules() -> dict[str, Module]:
    """Every module of the program, by its name."""
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return {module.name: module for module in map(_module, files)}


def closure(*roots: str, families: Collection[str] | None = None, without: Collection[str] = ()) -> list[str]:
    """The modules that can be imported when `roots` are: by a line at the top, in a function, or by name.

    `families` limits what is found by name to these; what is `without` is not followed, nor what is below it.
    """
    reached: set[str] = set()
    waiting = [part for root in roots for part in _with_packages(root)]
    skipped = (*NEVER_FOLLOWED, *without)
    while waiting:
        name = waiting.pop()
        if name in reached or any(f"{name}.".startswith(f"{part}.") for part in skipped):
            continue
        reached.add(name)
        found = (one for imported in modules()[name].source.imports for one in _meant(imported, families))
        waiting += [part for one in found for part in _with_packages(one)]
    return sorted(reached)


def files(names: Iterable[str]) -> list[Path]:
    """The modules' source files, and the files beside them that are not Python and belong to them.

    Such a file belongs to the modules of its package that name it in a string, or, if none does, to all.
    """
    return sorted({file for name in names for file in (modules()[name].path, *_beside(name))}, key=_parts)


def of_stage(stage: str, families: Collection[str] | None = None) -> dict[str, str]:
    """What a stage's outputs depend on: path -> digest of what it says. A change of comments is none, but
    for `package`, whose output is the code itself."""
    names = closure(
        f"{STAGES}.{stage}", *ALSO.get(stage, ()), families=families, without=NOT_FOLLOWED.get(stage, ())
    )
    return digests(names, exact=stage == "package")


def digests(names: Iterable[str], exact: bool = False) -> dict[str, str]:
    """path -> digest, of the modules and what belongs to them; `exact` counts every byte."""
    return {_place(path): _digest_of(path, exact) for path in files(names)}


@cache
def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _parts(path: Path) -> tuple[str, ...]:
    """What paths are sorted by; they are compared thousands of times, and make these anew each time."""
    return path.parts


def stages() -> list[str]:
    """The stages that there are code for, but for the one that writes this down."""
    names = (path.stem for path in (ROOT / "components/stages").glob("*.py"))
    return sorted(name for name in names if name not in ("__init__", STAGE.rpartition(".")[2]))


def written(families: Mapping[str, Collection[str]]) -> dict[Path, str]:
    """What `program/` holds for a project with these tasks (task -> its families): file -> JSON."""
    found = described(families)
    _remember()
    return {file: json.dumps(digests, indent=2) + "\n" for file, digests in found.items()}


def described(families: Mapping[str, Collection[str]]) -> dict[Path, dict[str, str]]:
    """What each of these files says: file -> path -> digest."""
    every = {family for own in families.values() for family in own}
    found: dict[Path, dict[str, str]] = {}
    for stage in stages():
        if stage in PER_TASK:
            for task, own in families.items():
                found[Path(stage) / f"{task}.json"] = of_stage(stage, own)
        else:
            found[Path(f"{stage}.json")] = of_stage(stage, None if stage == "package" else every)
    return found


def outdated(folder: Path, contents: Mapping[Path, str]) -> list[Path]:
    """The files of a project's `program/` that do not say what `contents` says."""
    files = {folder / file: text for file, text in contents.items()}
    return [file for file, text in files.items() if not file.is_file() or file.read_bytes() != text.encode()]


@cache
def _found(imported: str) -> tuple[str, ...]:
    """The modules that an import can mean: `a.b` may be a module or a name in the module `a`."""
    if "*" in imported:
        pattern = re.compile(re.escape(imported).replace(r"\*", r"\w+"))
        return tuple(name for name in modules() if pattern.fullmatch(name))
    candidates = (imported, imported.rpartition(".")[0])
    return tuple(name for name in candidates if name in modules())[:1]


def _meant(imported: str, families: Collection[str] | None) -> Iterator[str]:
    """Of the modules that an import can mean, without those of other families if it imports by name."""
    for name in _found(imported):
        family = FAMILY.fullmatch(name)
        if "*" not in imported or family is None or families is None or family[1] in families:
            yield name


@cache
def _with_packages(name: str) -> list[str]:
    """The module and the packages that it lies in, whose `__init__`, if they have one, runs first."""
    parts = name.split(".")
    packages = [".".join(parts[:end]) for end in range(1, len(parts))]
    return [*(package for package in packages if package in modules()), name]


@cache
def _beside(name: str) -> tuple[Path, ...]:
    module = modules()[name]
    files = _not_python(module.path.parent)
    if not files:  # as of most
        return ()
    siblings = _by_folder()[module.path.parent]
    return tuple(
        file
        for file in files
        if file.name in module.source.named or not any(file.name in other.source.named for other in siblings)
    )


@cache
def _by_folder() -> dict[Path, list[Module]]:
    """The modules of each folder."""
    found: dict[Path, list[Module]] = {}
    for module in modules().values():
        found.setdefault(module.path.parent, []).append(module)
    return found


@cache
def _not_python(package: Path) -> list[Path]:
    """The files of a package, and of folders below it that are none, that hold no Python."""
    found = []
    for path in sorted(package.iterdir()):
        if path.is_dir() and path.name != BYTECODE and not any(path.glob("*.py")):
            found += _not_python(path)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            found.append(path)
    return found


def _module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path)


@cache
def _remembered() -> dict[str, Source]:
    """What sources said to processes before this one; nothing where that cannot be read, or was found by
    another text of this module."""
    try:
        known = json.loads(MEMORY.read_bytes())
        return {key: _source(*said) for key, said in known["said"].items() if known["by"] == _own()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _source(imports: list[str], named: list[str], meaning: str) -> Source:
    return Source(frozenset(imports), frozenset(named), meaning)


def _remember() -> None:
    """Keep it for the next process, where Python keeps bytecode."""
    if sys.dont_write_bytecode or USED.keys() <= _remembered().keys():
        return
    said = {key: [sorted(one.imports), sorted(one.named), one.meaning] for key, one in USED.items()}
    with suppress(OSError), atomic_file(MEMORY) as file:  # a folder that may not be written, a full disk
        file.write_text(json.dumps({"by": _own(), "said": said}))
    _remembered.cache_clear()


def _own() -> str:
    return _digest(Path(__file__).read_bytes())


def _read(name: str, content: bytes) -> Source:
    tree = ast.parse(content)
    nodes = list(_running(tree))
    imports = frozenset(found for node in nodes for found in _imports(node, name))
    ours = frozenset(found for found in imports if found.partition(".")[0] in PACKAGES)
    strings = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    named = frozenset(text.rpartition("/")[2] for text in strings if len(text) < 100)
    for node in nodes:
        _drop_docstring(node)
    return Source(ours, named, _digest(ast.dump(tree).encode()))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree, without what type checkers alone read."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _imports(node: ast.AST, module: str) -> list[str]:
    """What a node of a module's tree imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and "import_module" in (
        getattr(node.func, "id", ""),
        getattr(node.func, "attr", ""),
    ):
        return [_pattern(node.args[0], module)]
    return []


def _pattern(argument: ast.expr, module: str) -> str:
    """`f"components.families.{name}.family"` -> `components.families.*.family`; `{__name__}` is its own."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    return "".join(_part(part, module) for part in parts)


def _part(part: ast.expr, module: str) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return module if isinstance(value, ast.Name) and value.id == "__name__" else "*"


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, DOCUMENTED):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del node.body[0]


@cache
def _names() -> dict[Path, str]:
    return {module.path: name for name, module in modules().items()}


@cache
def _digest_of(path: Path, exact: bool) -> str:
    name = None if exact else _names().get(path)
    return modules()[name].source.meaning if name else _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
