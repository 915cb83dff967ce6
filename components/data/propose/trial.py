"""Would `onetrunk check` take the entry? Its rows are read, cleaned, split and validated once, beside the
project, as the stages will; the shares of the splits grow until each has enough rows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components import families, params
from components.data.ingest.ingest import ingest
from components.data.propose.entry import Entry, TaskKeys
from components.data.propose.places import Place
from components.data.validation.validate import validate_task
from components.errors import BadRowError, UserError
from components.families.base.capabilities import EncoderFacts
from components.params.checks import outputs
from components.settings.project import Checks, Task

LARGEST = 300_000_000  # bytes of a file that is read whole for a look
LIMIT = 50_000  # rows of a split
SHARES = (0.1, 0.15, 0.2, 0.25, 0.3)  # of a split that the source does not give
OF_ALL_TASKS = ("search", "monitor", "sharing")  # sections that name tasks, or want several
SEVERAL = ("majority", "keep")  # what becomes of the answers of annotators who do not agree, of each text
NONE_LEFT = "no rows are left"
UNREADABLE = "unreadable: drop"  # what ingest advises where rows cannot be read
DROPPING: tuple[dict[str, str | float], ...] = (
    {"unreadable": "drop"},
    {"unreadable": "drop", "max_unreadable": 0.2},
)
ANY = {"method": "temperature", "temperature": 2.0}  # a mixture that fits whatever the tasks are


@dataclass(frozen=True)
class Terms:
    """What the project holds a task's data to."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # params.yaml, as it is
    encoder: Path | None = None  # its folder, if it has been fetched

    @property
    def tasks(self) -> Mapping[str, Any]:
        """Those that are declared."""
        return self.settings.get("tasks") or {}

    @property
    def names(self) -> set[str]:
        """Those of all tasks and joint heads."""
        return {*self.tasks, *(head for keys in self.tasks.values() for head in keys.get("joint") or {})}

    def free(self, name: str) -> str:
        """The name, with a number if it is taken."""
        numbered = (f"{name}_{number}" for number in range(2, len(self.names) + 3))
        return next(each for each in [name, *numbered] if each not in self.names)

    @property
    def checks(self) -> Checks:
        return Checks.model_validate(self.settings.get("checks") or {})

    @property
    def seed(self) -> int:
        return int(self.settings.get("seed", 0))


def tried(entry: Entry, place: Place, terms: Terms) -> tuple[Entry, str]:
    """The entry with the shares at which a run takes it; else as it was, and a sentence why none does.

    Raises:
        UserError: the source stands where a run writes.
    """
    outputs.refuse(str(place.at), entry.keys["source"]["path"], [*terms.tasks, entry.name])
    problem = _settings_problem(entry, terms) or _encoder_problem(entry, terms)
    if problem or _size(place) > LARGEST:
        return entry, problem
    first, known = "", _rows_problem(entry, place, terms)
    for cleaning in DROPPING if UNREADABLE in known else ():
        keys: TaskKeys = {**entry.keys, "cleaning": {**entry.keys["cleaning"], **cleaning}}
        entry = replace(entry, keys=keys)
        known = _rows_problem(entry, place, terms)
        if "max_unreadable" not in known:
            break
    for conflicts in SEVERAL if NONE_LEFT in known else ():
        keys = {**entry.keys, "cleaning": {**entry.keys["cleaning"], "conflicts": conflicts}}
        for voted in _with_shares(replace(entry, keys=keys)):
            if not _rows_problem(voted, place, terms):
                return voted, ""
    for wider in _with_shares(entry):
        problem = known if wider == entry else _rows_problem(wider, place, terms)
        if not problem:
            return wider, ""
        first = first or problem
        if "rows in " not in problem and NONE_LEFT not in problem:
            break
    return entry, first


def _with_shares(entry: Entry) -> Iterator[Entry]:
    """The entry with larger and larger splits, where the source does not give them."""
    ours = [split for split in ("validation", "test") if split in entry.keys["splits"]]
    for share in SHARES if ours else SHARES[:1]:
        splits: dict[str, float | list[str]] = {**entry.keys["splits"], **dict.fromkeys(ours, share)}
        keys: TaskKeys = {**entry.keys, "splits": splits}
        yield replace(entry, keys=keys)


def _size(place: Place) -> int:
    return place.first.stat().st_size if place.first.is_file() else 0


def _settings_problem(entry: Entry, terms: Terms) -> str:
    """Do the settings take the task, were it the only one?"""
    if not terms.settings:
        return ""
    alone = {key: value for key, value in terms.settings.items() if key not in OF_ALL_TASKS}
    remotes = {**(terms.settings.get("remotes") or {}), **entry.remotes}
    alone |= {"tasks": {entry.name: entry.keys}, "mixture": ANY, "remotes": remotes}
    try:
        params.validated(alone, params.PARAMS)
    except UserError as error:
        return str(error).removeprefix(f"{params.PARAMS}: ")
    return ""


def _encoder_problem(entry: Entry, terms: Terms) -> str:
    """Some families need something of the encoder, such as a mask token."""
    family = families.get(entry.keys["family"])
    if terms.encoder is None or not isinstance(family, EncoderFacts):
        return ""
    options = family.options.model_validate(entry.keys.get("options", {})).model_dump()
    try:
        family.encoder_facts(terms.encoder, options)
    except (UserError, BadRowError) as error:
        return str(error)
    return ""


def _rows_problem(entry: Entry, place: Place, terms: Terms) -> str:
    """What ingest or validation finds to stop a run."""
    source = {**entry.keys["source"], "path": str(place.at), "limit": LIMIT}
    task = Task.model_validate({**entry.keys, "source": source})
    with TemporaryDirectory() as temporary, redirect_stderr(io.StringIO()):
        folder = Path(temporary, entry.name)
        try:
            ingest(entry.name, task, terms.seed, folder)
        except UserError as error:
            return str(error).removeprefix("params.yaml: ")
        found = validate_task(folder, task.cleaning, terms.checks)
    errors = [check for check in found.checks if check.status == "error"]
    return f"'{errors[0].title}' does not hold: {errors[0].detail}" if errors else ""
