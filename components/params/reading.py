"""params.yaml -> its keys and values as YAML has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from components.errors import UserError
from components.nesting import parse_yaml
from components.params import yaml_faults

SWITCHES = ("traffic", "feedback", "retrain")  # sections that are on where they are there, with every default
Settings = dict[str, Any]  # keys and values as YAML has them, of whatever shape they are


class _AsWritten:
    """YAML takes the last of two equal keys, and a task that was copied would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault(key, "a key is a list or has keys itself; it is to be a word")
            if key.value in seen and key.tag != MERGE:
                raise _fault(key, f"the key '{key.value}' stands twice; rename one or take it out")
            seen.add(key.value)
        for key, value in node.value:
            if key.value == "labels" and isinstance(value, yaml.SequenceNode):
                _as_written("labels", value)
            if key.value == "source" and isinstance(value, yaml.MappingNode):
                for inner, values in value.value:
                    if inner.value in AS_WRITTEN:
                        _as_written(inner.value, values)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return mapping

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # type: ignore[misc]
        except ValueError as error:
            raise _fault(node, f"{node.value} looks like a date or a number and is none ({error})") from None


class _Fast(_AsWritten, yaml.CSafeLoader):  # type: ignore[misc]
    """libyaml's: every stage and command reads the file, and Python's takes ten times as long."""


class _Telling(_AsWritten, yaml.SafeLoader):  # type: ignore[misc]
    """Python's, which says better what it cannot read."""


def _fault(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`
AS_WRITTEN = ("label_map", "split_values", "filter")  # keys of a source whose values are those of its data


def _as_written(key: str, node: yaml.Node) -> None:
    """Labels and values of data stay what the file says: YAML would make 1.1 of 1.10 and 8 of 010."""
    if not isinstance(node, yaml.ScalarNode):
        for part in node.value:
            for inner in part if isinstance(part, tuple) else (part,):
                _as_written(key, inner)
    elif not _means_itself(key, node):
        node.tag = "tag:yaml.org,2002:str"


def _means_itself(key: str, node: yaml.ScalarNode) -> bool:
    """Is a value what YAML makes of it? Null is; in a filter true and false are, but yes, no, on and off are
    words; a label that is a boolean or a date is refused later, with what to write."""
    kind = node.tag.rpartition(":")[2]
    if key == "labels":
        return kind not in {"int", "float"}
    return kind == "null" or (key == "filter" and node.value.lower() in {"true", "false"})


def parse(path: Path) -> Settings:
    """Read the file.

    Raises:
        UserError: it is missing, not UTF-8, not YAML, has a key twice, holds no keys, or an empty switch.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path.absolute()}: no such file; run from the project's folder") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    raw = parsed(content, path)
    for key in SWITCHES:
        if raw.get(key, {}) is None:  # it would be off, and looks as if it were on
            wanted = f"write `{key}: {{}}` to switch it on, or take the line out"
            raise UserError(f"{path}: {key}: found nothing; {wanted}")
    return raw


def parsed(content: bytes, path: Path) -> Settings:
    """The settings that the file at `path` holds with this content.

    Raises:
        UserError: it is not UTF-8, not YAML, has a key twice, or holds no keys.
    """
    try:
        raw = _read(content.decode())
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        raise UserError(f"{path}: {yaml_faults.sentence(error)}") from None
    except RecursionError:
        raise UserError(f"{path}: lists or keys stand too deep within each other") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        found = "an empty file" if raw is None else f"a {type(raw).__name__}"
        raise UserError(f"{path}: found {found}, expected keys such as tasks, mixture and training")
    return raw


def _read(text: str) -> Any:
    try:
        return parse_yaml(text, _Fast)
    except yaml.YAMLError:
        yaml.load(text, _Telling)  # noqa: S506 another
        raise


def line_of(path: Path, key: str) -> int | None:
    """The line, from 1, that a dotted key of the file stands on; None where it does not stand there. A name
    may have dots itself, and what a key takes over from another (`<<: *usual`) stands where that is."""
    return _line_of(key, yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader))


def _line_of(key: str, node: yaml.Node | None) -> int | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    for name, value in sorted(pairs, key=lambda pair: pair[0].tag == MERGE):  # what is its own comes first
        if name.value == key:
            return int(name.start_mark.line) + 1
        rest = key if name.tag == MERGE else key.removeprefix(f"{name.value}.")
        several = name.tag == MERGE and isinstance(value, yaml.SequenceNode)  # the first that has it counts
        for one in value.value if several else [value]:
            if (rest != key or name.tag == MERGE) and (found := _line_of(rest, one)) is not None:
                return found
    return None
