"""Entries into params.yaml: everything else in the file stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from components import params
from components.data.propose.entry import Entry
from components.errors import UserError
from components.files import atomic_file


def write(entries: Sequence[Entry], settings_file: Path) -> None:
    """Add the entries below `tasks`, and their remotes below `remotes`, if the file is then still valid.

    Raises:
        UserError: a name is taken, or the file with the entries is not valid; the file is as it was.
    """
    added = settings_file.read_bytes().decode("utf-8")
    for entry in entries:
        added = _added(added, "tasks", entry.name, "\n" + entry.task_yaml(), settings_file)
        if entry.remotes:
            added = _added(added, "remotes", next(iter(entry.remotes)), entry.remotes_yaml(), settings_file)
    with atomic_file(settings_file) as copy:
        copy.write_bytes(added.encode("utf-8"))
        try:
            params.load(copy)
        except UserError as error:
            problem = str(error).removeprefix(f"{copy}: ")
            new = "task" if len(entries) == 1 else "tasks"
            raise UserError(f"{settings_file}: not written: with the new {new}, {problem}") from None


def _added(text: str, section: str, name: str, entry: str, settings_file: Path) -> str:
    """The text with the entry after the last one of a section, indented as its neighbours."""
    root = yaml.compose(text, yaml.SafeLoader)
    nodes = {key.value: (key, value) for key, value in root.value} if root is not None else {}
    end = "\r\n" if "\r\n" in text else "\n"
    if section not in nodes:
        return f"{text.rstrip()}{end}{end}{section}:{end}{_indented(entry.lstrip(), '  ', end)}"
    key, value = nodes[section]
    if isinstance(value, yaml.MappingNode) and value.value:
        return _appended(text, value, name, entry, settings_file, end)
    # An empty section: "tasks:", "tasks: {}".
    line_end = text.find("\n", key.end_mark.index)
    line_end = len(text) if line_end < 0 else line_end
    rest = text[key.end_mark.index : line_end].replace("{}", "", 1).rstrip()
    added = _indented(entry.lstrip(), "  ", end)
    return f"{text[: key.end_mark.index]}{rest}{end}{added}{text[line_end + 1 :]}"


def _appended(
    text: str, section: yaml.MappingNode, name: str, entry: str, settings_file: Path, end: str
) -> str:
    taken = [key.value for key, _ in section.value]
    if name in taken:
        raise UserError(f"{settings_file}: there is a '{name}' already, choose another with --name")
    if section.flow_style:
        raise UserError(
            f"{settings_file}: line {section.start_mark.line + 1}: the section is written in braces, "
            f"expected one key a line to add '{name}'"
        )
    index = text.find("\n", _last(section))
    before, after = (text[: index + 1], text[index + 1 :]) if index >= 0 else (text + end, "")
    indent = " " * section.value[0][0].start_mark.column
    return before + _indented(entry, indent, end) + after


def _last(node: yaml.Node) -> int:
    """Where the last scalar or braces of a node end; a block's own end lies behind the comments after it."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return _last(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _last(node.value[-1])
    block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return int(node.end_mark.index) - (1 if block else 0)


def _indented(entry: str, indent: str, end: str) -> str:
    return "".join(f"{indent}{line}".rstrip() + end for line in entry.splitlines())
