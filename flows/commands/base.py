"""What a command of `onetrunk` is, and where it may be given."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.environment import settle_home
from components.errors import UserError


def in_project(given: argparse.Namespace, whatever_its_version: bool = False) -> None:
    """Check that the working directory is a project's, and that it holds no code of an earlier version.

    Raises:
        UserError: it is not, with what to do.
    """
    root = Path.cwd()
    for name in ("params.yaml", "dvc.yaml"):
        if not (root / name).is_file():
            raise UserError(f"{root}: no {name} here; run onetrunk in the project's folder")
    with_releases(given)
    if not whatever_its_version:
        from flows import upgrade

        upgrade.refuse_earlier(root)


def with_releases(given: argparse.Namespace) -> None:
    """Check that the working directory is where releases are, whatever has become of settings and pipeline.

    Raises:
        UserError: it is not, with what to do.
    """
    root = Path.cwd()
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        raise UserError(f"{root}: not a git repository; run `git init` and `dvc init` in it")
    if not (root / ".dvc").is_dir():
        raise UserError(f"{root}: DVC is not set up here; run `dvc init` in it")
    settle_home(root / ".onetrunk/home")


def anywhere(given: argparse.Namespace) -> None:
    """The command needs no project."""


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has none."""


@dataclass(frozen=True)
class Command:
    """A word after `onetrunk`, and what it does."""

    run: Callable[[argparse.Namespace], int]  # returns the exit code
    help: str  # a line in the list of commands
    about: str | None = None  # its own help, where there is more to say
    arguments: Callable[[argparse.ArgumentParser], None] = no_arguments  # declares them
    check: Callable[[argparse.Namespace], None] = in_project  # raises UserError where it cannot be given


def one_line(text: str) -> str:
    """An argument that is shown to people later: its words, without what would act on a terminal."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def positive(text: str) -> int:
    """An argument that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a whole number above 0")
    return int(text)
