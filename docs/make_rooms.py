"""Write docs/explanation/rooms.md, the graph of packages, from the imports, as `make docs` does.

Every import counts: in a function and under TYPE_CHECKING too, since a circle that is hidden there is one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = Path(__file__).parent / "explanation/rooms.md"
ROOMS = (  # from the lowest to the highest: a room imports from those before it
    "errors", "advice", "loopback", "turn", "files", "records", "repeated", "environment", "keyed", "nesting",
    "spelling", "languages", "markdown", "device", "processor", "dropout", "holm", "program", "pages",
    "settings", "folders", "encoder", "families", "data/sources", "data/contract", "data/ingest",
    "data/validation", "data/encoding", "data/mixture", "data/batches", "model", "training", "tracking",
    "comparison", "compression", "evaluation", "params", "data/propose", "release", "rollout", "monitoring",
    "search", "stages",
)  # fmt: skip
HEAD = """\
# The rooms

Made by `make docs` from the imports; a test holds it to them. An arrow leads from a package to one that it
imports from; an arrow that follows from others is left out. They go one way, so a package can be read, tested
and changed without those that stand on it.
"""


def modules() -> dict[str, Path]:
    """Every module of components/, by its name."""
    files = sorted((ROOT / "components").rglob("*.py"))
    return {_name(file.relative_to(ROOT)): file for file in files}


def imports(known: Mapping[str, Path]) -> dict[str, set[str]]:
    """module -> the modules of components/ that it imports, anywhere in it."""
    return {name: set(_imported(file, known)) - {name} for name, file in known.items()}


def room_of(module: str) -> str:
    """The room that a module stands in (KeyError for a module outside all of them)."""
    path = module.removeprefix("components").removeprefix(".").replace(".", "/")
    for room in ROOMS:
        if path == room or path.startswith(f"{room}/"):
            return room
    raise KeyError(module)


def arrows() -> dict[str, set[str]]:
    """room -> the rooms that it imports from."""
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module, others in imports(modules()).items():
        if module in PACKAGES:
            continue
        found[room_of(module)] |= {room_of(other) for other in others if other not in PACKAGES}
    return {room: others - {room} for room, others in found.items() if others - {room} or _is_there(room)}


PACKAGES = ("components", "components.data")  # that hold rooms and nothing else


def page() -> str:
    """The whole page."""
    graph = arrows()
    lines = [f"  {_id(room)}[{room}]" for room in graph]
    lines += [f"  {_id(room)} --> {_id(other)}" for room in graph for other in sorted(_direct(graph, room))]
    table = [f"| `components/{room}` | {_purpose(room)} |" for room in graph]
    mermaid = "\n".join(["```mermaid", "flowchart TD", *lines, "```"])
    return "\n".join([HEAD, mermaid, "", "| package | what it is for |", "|---|---|", *table, ""])


def _direct(graph: Mapping[str, set[str]], room: str) -> set[str]:
    """The rooms that no other import of the room leads to."""
    return {
        one for one in graph[room] if not any(one in _below(graph, other) for other in graph[room] - {one})
    }


def _below(graph: Mapping[str, set[str]], room: str) -> set[str]:
    return {one for other in graph[room] for one in ({other} | _below(graph, other))}


def _imported(file: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found = whole if whole in known else node.module
                if found in known:
                    yield found


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _is_there(room: str) -> bool:
    return (ROOT / "components" / room).is_dir() or (ROOT / "components" / f"{room}.py").is_file()


def _purpose(room: str) -> str:
    """The first sentence of the package's docstring."""
    folder = ROOT / "components" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    said = ast.get_docstring(_tree(file)) or ""
    return " ".join(said.split("\n\n")[0].split())


def _id(room: str) -> str:
    return room.replace("/", "_")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
