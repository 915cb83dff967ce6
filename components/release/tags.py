"""The tags of releases: their names are GTO's, so `gto show` and `gto history` read them.

    NAME@v1.2.0        this commit is that version
    NAME#STAGE#7       its version is now in that stage: champion, previous or anchor
    NAME#STAGE!#8      its version has left that stage
    NAME.trial.v1.2.0.1f9a03bc   what became of that version in traffic; no name of GTO's

In a subfolder of a repository NAME has the folder before it (`folder=NAME`), and where GTO does not know all
characters of the folder's name, a digest of it: `a b` and `a-b` are two projects. The subject of a tag says
that it is ours, and why it is there. The champion tags alone are the truth, the newest last; all others
follow from them, so that a writer that is killed between two tags leaves the old champion or the new one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from components.errors import UserError
from components.release.git import Git, as_bytes

Action = Literal["release", "promote", "rollback"]
CHAMPION, PREVIOUS, ANCHOR = "champion", "previous", "anchor"
STAGES = (CHAMPION, PREVIOUS, ANCHOR)
SUBJECT = re.compile(rf"onetrunk ({'|'.join(get_args(Action))}) (v\d+\.\d+\.\d+)")
VERSION = r"v\d+\.\d+\.\d+"
TAG = re.compile(rf"(?P<name>[\w/-]+)(?:@(?P<version>{VERSION})|#(?P<stage>\w+)(?P<left>!?)#(?P<number>\d+))")
FIELDS = (
    "refname", "*objectname", "*objecttype", "taggerdate:unix", "taggername", "contents:subject",
    "contents:body",
)  # fmt: skip
UNKNOWN = re.compile(r"[^a-zA-Z0-9_./-]|(?<![^/])\.|\.(?=\.|lock/)")  # in the name of a folder
DIGITS = 8  # of the digest of a folder's name
RECORD = "release.json"  # in the commit of a release
TRIAL = ".trial."  # in the name of what became of a version in traffic
BEHIND = "\0"  # each field, when they are read: no tag can hold it


@dataclass(frozen=True)
class Tag:
    """An annotated tag of a release."""

    commit: str
    when: int  # seconds since 1970
    who: str
    action: Action  # on the champion, that it came with
    of: str  # the version that was acted on
    why: str  # in the words of who did it
    version: str | None = None  # that it names; else
    stage: str | None = None  # that its commit's version is now in, or
    left: bool = False  # has left
    number: int = 0  # of an order over all stages


@dataclass(frozen=True)
class Named:
    """A tag that has the name of one of this project's, whoever made it: by hand, by `gto assign`, or, up to
    0.8, for another folder (those of `a b` had the names that are now those of `a-b` alone)."""

    label: str  # its whole name, which no further tag can have
    name: str  # of the service
    version: str | None
    stage: str | None
    number: int
    when: int  # seconds since 1970; 0 where it does not say
    ours: bool  # it has our message


def read(git: Git) -> list[Tag]:
    """Every tag of the project's releases, those of stages in their order."""
    folders = dict.fromkeys((_folder(git), _as_before(git)))
    found = [tag for folder in folders for tag in _begun_with(git, folder)]
    return sorted(_of_this_folder(git, found) if git.prefix else found, key=lambda tag: tag.number)


def named(git: Git) -> list[Named]:
    """Every tag whose name has this project's form."""
    folder = _folder(git)
    return [
        Named(
            folder + match[0], match["name"], match["version"], match["stage"], int(match["number"] or 0),
            int(fields[FIELDS.index("taggerdate:unix")] or 0), _parsed(fields, folder) is not None,
        )
        for fields in _of_all(git, folder)
        if (match := TAG.fullmatch(_name(fields, folder)))
    ]  # fmt: skip


def _begun_with(git: Git, folder: str) -> list[Tag]:
    """Ours of those whose name begins with this part."""
    return [tag for fields in _of_all(git, folder) if (tag := _parsed(fields, folder))]


def _of_all(git: Git, folder: str) -> list[tuple[str, ...]]:
    """The FIELDS of those."""
    form = "".join(f"%({field})%00" for field in FIELDS)
    said = git("for-each-ref", f"--format={form}", f"refs/tags/{folder}*").split(BEHIND)
    return list(zip(*(said[number :: len(FIELDS)] for number in range(len(FIELDS))), strict=False))


def _name(fields: tuple[str, ...], folder: str) -> str:
    return fields[0].strip().removeprefix("refs/tags/").removeprefix(folder)


def _of_this_folder(git: Git, found: Sequence[Tag]) -> list[Tag]:
    """Those whose commit releases this project, and not one whose folder's name looks the same in tags."""
    asked = "".join(f"{tag.commit}:{git.prefix}{RECORD}\n" for tag in found)
    said = git("cat-file", "--batch-check", text=as_bytes(asked)).splitlines()
    return [tag for tag, one in zip(found, said, strict=False) if not one.endswith(" missing")]


def _parsed(fields: tuple[str, ...], folder: str) -> Tag | None:
    """None for a tag that is not ours: without a message or a tagger, or with another one."""
    _, commit, kind, when, who, subject, body = fields
    match = TAG.fullmatch(_name(fields, folder))
    said = SUBJECT.fullmatch(subject)
    if match is None or said is None or kind != "commit" or not when:
        return None
    action: Action = next(one for one in get_args(Action) if one == said[1])
    return Tag(
        commit, int(when), who, action, said[2], body.strip(),
        match["version"], match["stage"], bool(match["left"]), int(match["number"] or 0),
    )  # fmt: skip


def version_name(git: Git, name: str, version: str) -> str:
    """The tag that says which version a commit is."""
    return f"{_folder(git)}{ended(name)}@{version}"


def stage_name(git: Git, name: str, stage: str, number: int, left: bool = False) -> str:
    """The tag that puts a commit's version into a stage, or takes it out."""
    return f"{_folder(git)}{ended(name)}#{stage}{'!' if left else ''}#{number}"


def refspecs(git: Git, name: str) -> list[str]:
    """What fetches all tags of versions and stages of a service as they are elsewhere."""
    begun = f"refs/tags/{_folder(git)}{ended(name)}"
    return [f"{begun}{mark}*:{begun}{mark}*" for mark in "@#"]


def trial_name(git: Git, name: str, version: str, which: str) -> str:
    """The tag that says what became of a version in traffic."""
    return f"{_folder(git)}{ended(name)}{TRIAL}{version}.{which}"


def trials(git: Git) -> dict[str, tuple[str, str]]:
    """Those tags: name -> the commit, and what is said of it."""
    form = "".join(f"%({field})%00" for field in ("refname:lstrip=2", "*objectname", "contents:body"))
    pattern = f"refs/tags/{_folder(git)}*{TRIAL}*"
    said = git("for-each-ref", f"--format={form}", pattern).split(BEHIND)
    each = zip(*(said[number::3] for number in range(3)), strict=False)
    return {name.strip(): (commit, body) for name, commit, body in each}


def write(git: Git, name: str, commit: str, when: int, subject: str, body: str) -> str:
    """Write the object of an annotated tag, which no ref points to yet; returns its hash."""
    message = f"{subject}\n" + (f"\n{body}\n" if body else "")
    text = f"object {commit}\ntype commit\ntag {name}\ntagger {git.who} {when} +0000\n\n{message}"
    return git("mktag", text=text.encode())


def ended(name: str) -> str:
    """A service's name as tags have it: in GTO it must end in a letter or a number."""
    return name.rstrip("-_")


def _folder(git: Git) -> str:
    """The part of a name before GTO's separator."""
    folder, known = git.prefix.rstrip("/"), _as_before(git)
    if known in ("", f"{folder}="):
        return known
    digest = hashlib.sha256(folder.encode(errors="surrogateescape")).hexdigest()
    return f"{known.removesuffix('=')}-{digest[:DIGITS]}="


def _as_before(git: Git) -> str:
    """The same as versions up to 0.8 wrote it: a character that GTO does not know stands as a dash, and a dot
    where git has none in a tag's name."""
    folder = UNKNOWN.sub("-", git.prefix.rstrip("/"))
    return f"{folder}=" if folder else ""


def greatest(versions: Sequence[str]) -> tuple[int, int, int]:
    """The greatest of some versions; that before the first where there is none."""
    return max(map(order, versions), default=(0, 0, 0))


def order(version: str) -> tuple[int, int, int]:
    """The numbers of a version, by which versions are put in order."""
    major, minor, patch = (int(part) for part in version.removeprefix("v").split("."))
    return major, minor, patch


def spelled(version: str, known: Sequence[str]) -> str:
    """A version as a person may write it (v1.2.0, 1.2.0), as it is named here.

    Raises:
        UserError: there is no such version.
    """
    found = f"v{version.removeprefix('v')}"
    if found not in known:
        newest = ", ".join(sorted(known, key=order, reverse=True)[:5]) or "no release at all"
        raise UserError(f"{version}: no release of this version; there is {newest} (`onetrunk releases`)")
    return found
