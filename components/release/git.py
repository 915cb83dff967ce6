"""Git for the registry: one place that calls it, by plumbing alone.

The user's hooks do not run, no signing policy applies (plumbing knows none), a repository of another user is
read, git speaks English, and where git does not know who commits the program does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

from components.advice import word
from components.errors import UserError, disk_sentence_of

SETTINGS = {
    "safe.directory": "*",
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.safecrlf": "false",  # or files whose line ends git converts would be refused
    "protocol.file.allow": "always",  # a clone beside the project
    "core.fsync": "committed,loose-object",  # a release outlives a power cut
    "i18n.commitEncoding": "UTF-8",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
OF_A_CALLER = (  # set while a hook runs, for the repository of that hook; and what paths mean to its user
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
)  # fmt: skip
NOTHING: Mapping[str, str] = {}
NAME, EMAIL = "onetrunk", "onetrunk@localhost"
NOTED = re.compile(r"refs/tags/[\w./=#@!-]+")
IN_THE_WAY = re.compile(r"'refs/tags/([^']+)' exists; cannot create")
TURN = "onetrunk.lock"  # in git's own folder, which the worktrees of a repository share


@dataclass(frozen=True)
class Git:
    """The git repository that a project lies in."""

    project: Path

    def __call__(self, *arguments: str, text: bytes = b"", env: Mapping[str, str] = NOTHING) -> str:
        """What git prints, without the last line's end; `text` is its input, `env` are further variables.

        Raises:
            UserError: git is not installed, or it refuses; the sentence is git's own.
        """
        return self.raw(*arguments, text=text, env=env).decode(errors="surrogateescape").rstrip("\n")

    def raw(
        self, *arguments: str, text: bytes = b"", env: Mapping[str, str] = NOTHING, fds: Sequence[int] = ()
    ) -> bytes:
        """The same as bytes; the descriptors `fds` stay open for as long as git runs."""
        settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
        inherited = {name: value for name, value in os.environ.items() if name not in OF_A_CALLER}
        speech = {"LC_ALL": "C", "LANGUAGE": "", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        try:
            done = subprocess.run(
                ["git", *settings, *arguments], cwd=self.project, env={**inherited, **speech, **env},
                input=text, capture_output=True, check=False, pass_fds=fds,
            )  # fmt: skip
        except FileNotFoundError:
            raise UserError("git is not installed here; a release is a commit, so it is needed") from None
        if done.returncode != 0:
            said = " ".join(done.stderr.decode(errors="replace").split()) or f"ended with {done.returncode}"
            raise UserError(f"{self.project.absolute()}: git {arguments[0]}: {_with_remedy(said)}")
        return done.stdout

    @cached_property
    def _place(self) -> list[str]:
        try:
            said = self("rev-parse", "--show-prefix", "--git-common-dir", "--is-shallow-repository")
        except UserError as error:
            if "not a git repository" not in str(error):
                raise
            raise UserError(
                f"{self.project.absolute()}: not in a git repository, and a release is a commit of one; "
                f"run `git init` there"
            ) from None
        return said.split("\n")

    @property
    def prefix(self) -> str:
        """The project's folder within the repository, with a slash behind it; empty for its root."""
        return self._place[0]

    @property
    def common(self) -> Path:
        """Git's own folder, which all worktrees share."""
        return self.project / self._place[1]

    @property
    def is_shallow(self) -> bool:
        """Are commits missing here, and the tags on them?"""
        return self._place[2] == "true"

    def tags_left_out(self) -> str | None:
        """How a clone that was told to leave tags out gets them; None for a whole one."""
        if self.is_shallow:
            return "`git fetch --tags --unshallow`"
        settings = self("config", "--list")
        if re.search(r"^remote\..*\.tagopt=--no-tags$", settings, re.MULTILINE):
            return "`git fetch --tags`, and remove --no-tags from .git/config"
        fetched = re.findall(r"^remote\.(.*)\.fetch=(.*)$", settings, re.MULTILINE)
        if fetched and not any("*" in refs for _, refs in fetched):  # of --single-branch
            return f"`git remote set-branches {word(fetched[0][0])} '*'`, then `git fetch --tags`"
        return None

    def head(self) -> str | None:
        """The commit that the project stands on; None on a branch without one."""
        with contextlib.suppress(UserError):
            return self("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return None

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """Who commits, as variables; the program, where git does not know the user."""
        try:
            self("var", "GIT_COMMITTER_IDENT")
        except UserError:
            return {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in
                    (("NAME", NAME), ("EMAIL", EMAIL))}  # fmt: skip
        return {}

    @cached_property
    def who(self) -> str:
        """Who commits: name <email>. A name that is not UTF-8, as in old settings, has marks in it."""
        said = self.raw("var", "GIT_COMMITTER_IDENT", env=self.identity).decode(errors="replace")
        return said.rpartition(">")[0] + ">"

    def trees(self) -> list[Path]:
        """The working trees that are there, first this one: in a submodule git's list does not have it."""
        listed = self("worktree", "list", "--porcelain").splitlines()
        others = [line.removeprefix("worktree ") for line in listed if line.startswith("worktree ")]
        all_ = dict.fromkeys([self("rev-parse", "--show-toplevel"), *others])
        return [tree for tree in map(Path, all_) if (tree / ".git").exists()]

    def blobs(self, names: Sequence[str]) -> list[bytes | None]:
        """What `COMMIT:PATH` and the like name; None for what there is not. One process for all."""
        said = self.raw("cat-file", "--batch", text=as_bytes("".join(f"{name}\n" for name in names)))
        found: list[bytes | None] = []
        start = 0
        for _ in names:
            end = said.index(b"\n", start)
            words = said[start:end].split()
            start = end + 1
            if words[-1] in (b"missing", b"ambiguous"):
                found.append(None)
                continue
            size = int(words[-1])
            found.append(said[start : start + size])
            start += size + 1
        return found


def as_bytes(text: str) -> bytes:
    """What git is told; a name on the disk need not be UTF-8."""
    return text.encode(errors="surrogateescape")


def _with_remedy(said: str) -> str:
    """What git has said, and what to do where that is the disk's, or a tag is in the way of those below its
    name; of a lock file git gives no reason."""
    if in_the_way := IN_THE_WAY.search(said):
        tag = in_the_way[1]
        copy, remove = f"git tag NEW {word(tag)}", f"git tag -d {word(tag)}"
        return f"{said}; give that tag another name: `{copy}`, then `{remove}`"
    sentence = disk_sentence_of(said) or ("is the disk full?" if "couldn't write" in said else None)
    return f"{said}; {sentence}" if sentence else said


@dataclass
class Turn:
    """The one writer of a repository's releases; what it is about to create is noted in the lock."""

    git: Git
    file: IO[str]
    _noted: bool = field(default=False)

    def create(self, refs: Mapping[str, str]) -> None:
        """Create refs (name -> object), none of which may be there yet: all in one transaction.

        Git moves them into place one after the other, in this order; a reader may see the first alone.
        """
        self._note(refs)
        commands = "".join(f"create {name} {target}\n" for name, target in refs.items())
        # Git holds the lock too, and so longer than this process if that is killed.
        self.git.raw("update-ref", "--stdin", text=commands.encode(), fds=[self.file.fileno()])
        self._note(())

    def clear(self) -> None:
        """Remove git's lock files of a transaction whose writer was killed."""
        self.file.seek(0)
        for name in self.file.read().split("\n"):
            if NOTED.fullmatch(name):  # and not what a power cut has left
                (self.git.common / f"{name}.lock").unlink(missing_ok=True)
        self._note(())

    def _note(self, names: Mapping[str, str] | Sequence[str]) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write("\n".join(names))
        self.file.flush()
        os.fsync(self.file.fileno())  # before git makes its lock files, which outlive a power cut


@contextlib.contextmanager
def turn(git: Git) -> Iterator[Turn]:
    """Wait for one's turn to write releases, and say so; the system ends the turn of one that dies."""
    with (git.common / TURN).open("a+", encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = f"{file.name}: another command writes releases here; waiting for its end"
            print(said, file=sys.stderr)  # noqa: T201
            fcntl.flock(file, fcntl.LOCK_EX)
        mine = Turn(git, file)
        mine.clear()
        yield mine
