"""Guess what a file of data is: format, family, and the column of every role; or ask."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import NamedTuple

from components import families
from components.data.propose.alike import without_codes
from components.data.propose.candidate import Plan, Wishes
from components.data.propose.choose import choose
from components.data.propose.class_names import Names, class_names, listed_names, named
from components.data.propose.columns import columns_of
from components.data.propose.counting import recounted
from components.data.propose.entry import Entry, entry_of, load_source
from components.data.propose.names import are_columns
from components.data.propose.places import Place, identifier, locate, matching
from components.data.propose.profile import Column, Fields, Numbered, drawn
from components.data.propose.questions import Choice, Question, either_decimal, reason_of
from components.data.propose.roles import fit
from components.data.propose.sentences import sentence_of
from components.data.propose.trial import Terms, tried
from components.data.sources import formats
from components.data.sources.documents import Document
from components.data.sources.formats.base import Sample
from components.data.sources.formats.class_lists import Reading, reading_of
from components.data.sources.formats.inline import SPANS, are_marked
from components.data.sources.record import Skipped, value_at
from components.errors import BadRowError, SkippedRowError, UserError
from components.families.base import Row
from components.families.base.capabilities import NamesThings, PairsOfSpans

__all__ = ["Choice", "Guess", "Question", "Terms", "Wishes", "guess", "guess_at"]

READ = 2_000_000  # rows, from the beginning; of these, from one end to the other, are looked at
LOOKED = 20_000
FEWEST = 10  # rows: fewer show nothing of what repeats
SHOWN = 5  # rows
PLAIN = ("json", "jsonl", "csv", "tsv", "json_table")  # formats that do not name classes by themselves
HEAD = 100  # rows of a split's file
OTHERWISE = 3  # rows of another reading
LISTS = ("class_lists", "json_table")  # what reads lists by their names


@dataclass(frozen=True)
class Guess:
    """What was understood of the data."""

    rows: int  # that were looked at
    plan: Plan
    shown: list[Row]  # the first ones, as the family reads them
    others: list[Choice]  # other readings of the same columns
    unread: str  # rows that the family cannot read, in a sentence; empty: there are none
    entry: Entry
    unused: tuple[str, ...] = ()  # columns that no role reads, with their names
    left_out: tuple[str, ...] = ()  # files of splits that lack what is to be learnt
    refused: str = ""  # why `onetrunk check` would refuse the entry, in a sentence; empty: it would not


def guess(address: str, wishes: Wishes, encoder: Path | None = None, terms: Terms | None = None) -> Guess:
    """Look at a file, a folder or an address; `encoder` is a folder with the tokenizer that counts. With
    `terms` the entry is tried, as `onetrunk check` will.

    Raises:
        Question: the data leave something open.
        UserError: there is nothing to be read, or the wishes do not fit it.
    """
    with locate(address) as place:
        return guess_at(place, wishes, encoder, terms)


def guess_at(place: Place, wishes: Wishes, encoder: Path | None = None, terms: Terms | None = None) -> Guess:
    """The same of data that are found.

    Raises:
        Question, UserError: as `guess`.
    """
    if wishes.format is None and reading_of_lists(place) is Reading.EITHER:
        return _classes_or_columns(place, wishes, encoder, terms)
    if wishes.format is not None:
        place = replace(place, source={**place.source, "format": wishes.format})
    whole, (rows, total) = place, _rows(place)
    if any(isinstance(fields, Document) and fields.get("relations") for _, fields in rows):
        if wishes.family is None:
            raise _spans_or_relations(place, wishes, encoder, terms)
        if wishes.family in families.that(PairsOfSpans):
            place = replace(place, source={**place.source, "rows": "pairs"})
            rows, total = _rows(place)
    looked = _look(place, rows, total, wishes)
    apart = without_codes(looked.columns, {*wishes.columns.values(), *wishes.joint})
    plan, others = choose(apart, looked.rows, wishes)
    if looked.marked and not _reads_spans(plan):
        return guess_at(whole, replace(wishes, family=plan.family), encoder, terms)
    if unsaid := [column for column in plan.measured if column.is_open]:
        raise either_decimal(plan, unsaid[0], looked.rows)
    return _guess_of(looked, plan, others, wishes, encoder, terms)


class _Looked(NamedTuple):
    """Data as they were looked at, at last."""

    place: Place
    rows: Numbered
    columns: list[Column]
    class_names: Names  # column -> what its numbers stand for
    marked: str | None  # the column of texts whose spans are marked within


def _look(place: Place, rows: Numbered, total: int, wishes: Wishes) -> _Looked:
    """Look again, and again, as what is seen says how the rows are to be read."""
    names = class_names(place.first) or listed_names(place.first, columns_of(rows, total))
    rows = named(rows, names)
    columns = columns_of(rows, total, wishes.decimal)
    if sentence := sentence_of(columns, [fields for _, fields in rows]):
        place = replace(place, source={**place.source, "sentence": sentence})
        rows, total = _rows(place)
        columns = columns_of(rows, total, wishes.decimal)
    if marked := _marked(columns, wishes):
        place = replace(place, source={**place.source, "inline": marked})
        rows, total = _rows(place)
        columns = _without_twins(columns_of(rows, total, wishes.decimal), marked)
    if found := recounted(columns, place, rows):
        place, rows = found
        columns = columns_of(rows, total, wishes.decimal)
    return _Looked(place, rows, columns, names, marked)


def _guess_of(
    looked: _Looked,
    plan: Plan,
    others: list[Plan],
    wishes: Wishes,
    encoder: Path | None,
    terms: Terms | None,
) -> Guess:
    """The guess whose entry reads the rows by this plan."""
    rows, columns = looked.rows, looked.columns
    place = _with_class_names(_with_targets(looked.place, plan), plan, looked.class_names)
    given, kept = (one.source.get("files", {}) for one in (looked.place, place))
    left_out = tuple(name for split, name in given.items() if split not in kept)
    known = terms or Terms()
    plan = replace(plan, joint={known.free(head): each for head, each in plan.joint.items()})
    entry = entry_of(wishes.name or known.free(_name(place)), place, columns, plan, rows, encoder)
    entry, refused = tried(entry, place, terms) if terms else (entry, "")
    beside = [_other(each, rows) for each in others]
    shown, unused = plan.shown(rows, SHOWN), tuple(_unused(columns, entry))
    return Guess(len(rows), plan, shown, beside, _unread(plan, rows), entry, unused, left_out, refused)


def _with_class_names(place: Place, plan: Plan, names: Names) -> Place:
    """The place, where its format does not say itself what the numbers of a class column stand for."""
    numbers = [column.name for column in plan.targets.values() if column.name in names]
    if not numbers or place.source["format"] not in PLAIN:
        return place
    called = {str(number): name for number, name in enumerate(names[numbers[0]])}
    return replace(place, source={**place.source, "label_map": called})


def _marked(columns: list[Column], wishes: Wishes) -> str | None:
    """The column of texts whose spans are marked within, where no other says them, and where the wishes leave
    them to be learnt: to other families the marks are words of the text."""
    named = (*wishes.columns.values(), *wishes.joint)
    if wishes.family in families.names() and SPANS not in (*families.get(wishes.family).targets, *named):
        return None
    if any(column.name == SPANS or fit("spans", column) for column in columns):
        return None
    marked = (column.name for column in columns if column.is_text and are_marked(column.values))
    return next(marked, None)


def _reads_spans(plan: Plan) -> bool:
    heads = [plan, *plan.joint.values()]
    return any(column.name == SPANS for head in heads for column in head.columns.values())


def _without_twins(columns: list[Column], marked: str) -> list[Column]:
    """The columns but for those that say once more what a text without its marks says."""
    (bare,) = (column.values for column in columns if column.name == marked)
    return [each for each in columns if each.name == marked or each.values != bare]


def _unused(columns: list[Column], entry: Entry) -> Iterator[str]:
    """The columns, but for the fields of their objects, of which the entry says nothing."""
    heads = [entry.keys, *entry.keys.get("joint", {}).values()]
    named = [name for head in heads for names in head["columns"].values() for name in [*_listed(names)]]
    source = entry.keys["source"]
    named += [source.get("split_column", ""), source.get("inline", ""), source.get("file_column", "")]
    named += [source.get("join", {}).get("by", "")]
    named += _listed(source.get("sentence", ""))
    for column in columns:
        below = f"{column.name}."
        if (
            column.values
            and "." not in column.name
            and not any(f"{name}.".startswith(below) for name in named)
        ):
            yield column.name


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _spans_or_relations(place: Place, wishes: Wishes, encoder: Path | None, terms: Terms | None) -> Question:
    """Annotated documents with relations teach two things, to tasks of their own."""
    choices = []
    for family in families.that(NamesThings, PairsOfSpans):
        found = guess_at(place, replace(wishes, family=family), encoder, terms)
        reason = reason_of(found.plan, list(found.plan.targets))
        choices.append(Choice(["--family", family], reason, shown=found.shown[:OTHERWISE]))
    return Question("the texts have spans, and relations between them: a task learns either", choices)


def reading_of_lists(place: Place) -> Reading:
    """What lists of texts by their names can be, where the file is one of these."""
    table = place.source["format"] == "json_table" and place.first.is_file()
    return reading_of(Sample.of(place.first)) if table else Reading.NEITHER


def _classes_or_columns(place: Place, wishes: Wishes, encoder: Path | None, terms: Terms | None) -> Guess:
    """The only reading of such lists that teaches something, which is that of columns if their names say so.

    Raises:
        Question: there are several.
        UserError: there is none.
    """
    _, first = next(iter(formats.rows(place.first, load_source(place))))
    if are_columns(first):
        return guess_at(place, replace(wishes, format=LISTS[-1]), encoder, terms)
    found: list[Guess] = []
    choices: list[Choice] = []
    for form in LISTS:
        try:
            found.append(guess_at(place, replace(wishes, format=form), encoder, terms))
            reason = reason_of(found[-1].plan, list(found[-1].plan.targets))
            choices.append(Choice(["--format", form], reason, shown=found[-1].shown[:OTHERWISE]))
        except Question as question:
            choices += [
                replace(each, arguments=["--format", form, *each.arguments]) for each in question.choices
            ]
        except UserError:
            continue
    if not choices:
        return guess_at(place, replace(wishes, format=LISTS[-1]), encoder, terms)
    if len(choices) == len(found) == 1:
        return found[0]
    raise Question("its lists could be texts by their class, or columns of a table", choices)


def _rows(place: Place) -> tuple[Numbered, int]:
    """Some of the rows, and how many there are, as far as they were read."""
    source = load_source(place)
    places = count()
    files = place.looked_at
    each = (islice(formats.rows(path, source), max(1, READ // len(files))) for path in files)
    every = chain.from_iterable(each)
    read = _thinned(row for row, _ in zip(every, places, strict=False))
    rows = [(number, fields) for number, fields in read if not isinstance(fields, Skipped)]
    if len(rows) < FEWEST:
        aside = [f"; row {number}: {fields.reason}" for number, fields in read if isinstance(fields, Skipped)]
        raise UserError(
            f"{place.first}: {len(rows)} row{'s' if len(rows) != 1 else ''}, expected at least {FEWEST} "
            f"to guess from{''.join(aside[:1])}"
        )
    return drawn(rows, LOOKED), round(next(places) * len(rows) / len(read))


def _thinned(rows: Iterable[tuple[int, Fields]]) -> Numbered:
    """Some of the rows, of however many: one of every stretch, whichever of it, as labels may take turns; the
    more rows there are, the longer are the stretches."""
    chance = random.Random(0)  # noqa: S311 no secret
    kept: Numbered = []
    stretch: Numbered = []
    length = 1
    for row in rows:
        stretch.append(row)
        if len(stretch) == length:
            kept.append(chance.choice(stretch))
            stretch = []
        if len(kept) == 4 * LOOKED:
            kept, length = [*map(chance.choice, zip(kept[::2], kept[1::2], strict=True))], 2 * length
    return [*kept, *stretch[:1]]


def _with_targets(place: Place, plan: Plan) -> Place:
    """The source without the files of a split that lack what is to be learnt, as a competition's test set."""
    names = {part for column in plan.targets.values() for part in column.parts or (column.name,)}
    files = place.source.get("files", {})
    kept = {split: name for split, name in files.items() if split == "train" or _has_all(place, name, names)}
    return place if kept == files else replace(place, source={**place.source, "files": kept})


def _has_all(place: Place, name: str, columns: set[str]) -> bool:
    """Do the file's first rows have values in these columns?"""
    if place.source["format"] == "huggingface" or not (found := matching(place.at, name)):
        return True
    rows = list(islice(formats.rows(found[0], load_source(place)), HEAD))
    sound = [fields for _, fields in rows if not isinstance(fields, Skipped)]
    return not sound or all(
        any(value_at(fields, column) is not None for fields in sound) for column in columns
    )


def _name(place: Place) -> str:
    path = Path(place.source["path"])
    return identifier(path.stem if path.suffix else path.name)


def _other(plan: Plan, rows: Numbered) -> Choice:
    """Another reading: how it is had, and the first rows."""
    arguments = ["--family", plan.family]
    arguments += [part for role, each in plan.columns.items() for part in ("--column", f"{role}={each.name}")]
    return Choice(arguments, reason_of(plan, list(plan.targets)), shown=plan.shown(rows, OTHERWISE))


def _unread(plan: Plan, rows: Numbered) -> str:
    """How many rows the family cannot read, and why the first; empty where there is none."""
    failed, first = 0, ""
    for number, fields in rows:
        try:
            plan.read(fields)
        except SkippedRowError:
            continue
        except BadRowError as error:
            failed += 1
            first = first or f"row {number}: {error}"
    return f"{failed:,} of {len(rows):,} rows cannot be read, the first is {first}" if failed else ""
