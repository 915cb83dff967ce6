"""Write docs/reference/cli.md from the argument parser, as `make docs` does."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from flows.cli import parser

PAGE = Path(__file__).parent / "reference/cli.md"
HEAD = """\
# The command line

Made by `make docs` from `flows/commands`; a test holds it to that. Every command runs in a project's folder,
where `params.yaml` and `dvc.yaml` are.

| exit code | |
|--:|---|
| 0 | done, or nothing to do |
| 1 | a stage failed |
| 2 | a mistake in settings, data or the command, or the gate did not say PROMOTE: one sentence says which |
| 75 | something does not answer that may do so later, as a server: one sentence says which |
| 130 | interrupted; the same command goes on from there |
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(name, about, command) for name, about, command in commands())])


def commands() -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Each command's name, what it does and its parser."""
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            help_of = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield name, command.description or help_of.get(name, ""), command


def section(name: str, about: str, command: argparse.ArgumentParser) -> str:
    """A command: what it does, how it is called, what its arguments mean."""
    actions = [action for action in command._actions if not isinstance(action, argparse._HelpAction)]
    called = " ".join([f"onetrunk {name}", *map(usage, actions)])
    lines = [
        f"## `onetrunk {name}`",
        "",
        linked(f"{about[:1].upper()}{about[1:].removesuffix('.')}."),
        "",
        f"```\n{called}\n```",
        "",
    ]
    if actions:
        lines += ["| argument | |", "|---|---|", *map(row, actions), ""]
    return "\n".join(lines)


def linked(text: str) -> str:
    """A page that the text names becomes a link."""
    return re.sub(r"docs/([\w-]+)/([\w-]+)\.md", r"[\2](../\1/\2.md)", text)


def usage(action: argparse.Action) -> str:
    """An argument as a usage line has it."""
    value = argparse.HelpFormatter("")._format_args(action, placeholder(action))
    called = " ".join([*action.option_strings[-1:], value]).strip()
    return called if action.required else f"[{called}]" if action.option_strings else value


def placeholder(action: argparse.Action) -> str:
    """What stands for the argument's value."""
    return str(action.metavar or action.dest.upper())


def row(action: argparse.Action) -> str:
    """An argument's names, and what it means."""
    names = ", ".join(f"`{name}`" for name in action.option_strings or [placeholder(action)])
    about = (action.help or "") % {"default": action.default}
    return f"| {names} | {linked(about.replace('|', '&#124;'))} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
