"""Words in columns, one a line, blank lines between sentences: CoNLL-2003 and its many kin, and CoNLL-U.

CoNLL-2003 (Tjong Kim Sang & De Meulder 2003) begins documents with -DOCSTART-; MultiCoNER (Malmasi 2022) and
GermEval (Benikova 2014) put comments before sentences; CoNLL-U (https://universaldependencies.org/format.html)
has ten columns, comments that say something, ranges of words (1-2) and words that are not in the text (1.1).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
PLUS = re.compile(r"\ufeff?#\s*global\.columns\s*=\s*(.+)")
QUOTED = "set `separator` below source to the sign between them, which reads quotes too"
MOST_COLUMNS = 60  # CoNLL-2009 and 2012 have one for each predicate of a sentence
SAID = re.compile(r"#\s*([\w.:-]+)\s*=\s*(.*)")  # "# sent_id = 7"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)*:(?=.)")  # of Wikipedia, before a word
LEAST_OF_2012 = 11  # columns
BRACKETED = re.compile(r"\*|\*\)|\([\w-]+\*?\)?")
ELEMENT = re.compile(r"</?(?:s|p|doc|text|head|g|sentence)(?:\s[^<>\t]*)?/?>", re.IGNORECASE)  # of verticals
GLUE = re.compile(r"<g\s*/?>", re.IGNORECASE)  # of verticals: no blank stands between two words of a sentence
ALIKE, FEWEST = 0.9, 5  # share of the lines, and sentences that may differ in their columns
AHEAD = 1000  # lines in which the first word is looked for
Words = list[list[str]]


def read_conll(path: Path, source: Source) -> Numbered:
    """Columns are numbered "0", "1", ..., or named by `header`; a `separator` takes the place of blanks. A
    language before every word ("en:Ada"), as WikiANN has it, is left out.

    What comments before a sentence say ("# sent_id = 7", "# id 5f2e") are columns as well.
    """
    prefix, plus = _language(path, source), _names_of_plus(path, source)
    for number, words, said in _sentences(path, source):
        if source.separator is None and are_quoted(words):
            raise UserError(f"{path}, row {number}: its columns stand in quotes; {QUOTED}")
        for word in words:
            word[0] = word[0].removeprefix(prefix)
        real = [word for word in words if plus[:1] != ["id"] or word[0].isdigit()]
        columns = _without_brackets([list(column) for column in zip(*real, strict=True)])
        names = source.header or plus or [str(column) for column in range(len(words[0]))]
        if len(names) != len(words[0]):
            raise UserError(
                f"{path}, row {number}: {len(words[0])} columns, source.header names {len(names)}; "
                f"see source.header in params.yaml"
            )
        if columns:
            yield number, {**said, **dict(zip(names, columns, strict=True))}


def _names_of_plus(path: Path, source: Source) -> list[str]:
    """The columns that CoNLL-U Plus names in its first line, in small letters; none elsewhere."""
    first = next(iter(lines(path, source.encoding)), "")
    found = PLUS.match(first)
    return found[1].lower().split() if found else []


def are_quoted(words: Words) -> bool:
    """Does every column of every word stand in quotes, as R and some spreadsheets write them?"""
    fields = [field for word in words for field in word]
    return len(words) > 1 and all(len(field) > 1 and field[0] == field[-1] == '"' for field in fields)


def _without_brackets(columns: list[list[str]]) -> list[list[str]]:
    """CoNLL-2012's entities in brackets, `(PERSON*`, `*` and `*)`, as BIO."""
    if len(columns) < LEAST_OF_2012:
        return columns
    return [_as_bio(column) if all(map(BRACKETED.fullmatch, column)) else column for column in columns]


def _as_bio(column: list[str]) -> list[str]:
    tags, kind = [], ""
    for value in column:
        begun = value.strip("()*")
        kind = begun or kind
        tags.append(f"{'B' if begun else 'I'}-{kind}" if kind else "O")
        kind = "" if value.endswith(")") else kind
    return tags


def read_conllu(path: Path, source: Source) -> Numbered:
    """The words of the text, with the columns' names and those of `misc` ("misc.NER"; "O" where a word has
    none); ranges and empty nodes are left out. `text`, if a comment says it, is the raw text."""
    for number, words, said in _sentences(path, source):
        if len(words[0]) != len(CONLLU):
            raise UserError(
                f"{path}, row {number}: {len(words[0])} columns, expected the {len(CONLLU)} of CoNLL-U "
                f"with tabs between them; other columns are `format: conll`"
            )
        real = [word for word in words if word[0].isdigit()]
        if real:
            columns = dict(zip(CONLLU, map(list, zip(*real, strict=True)), strict=True))
            yield number, {**said, **columns, **_misc(columns["misc"])}


def _misc(values: list[str]) -> Values:
    """ "NER=B-PER|SpaceAfter=No" of each word -> a column for each key."""
    pairs = [dict(pair.partition("=")[::2] for pair in value.split("|")) for value in values]
    keys = dict.fromkeys(key for of_word in pairs for key in of_word if key not in ("_", ""))
    return {f"misc.{key}": [of_word.get(key, "O") for of_word in pairs] for key in keys}


def _sentences(path: Path, source: Source) -> Iterator[tuple[int, Words, Values]]:
    """(the first word's line, the words' columns, what comments say) of each sentence."""
    width = _width(path, source)
    words: Words = []
    said: Values = {}
    first = 0
    for number, line in enumerate(lines(path, source.encoding), 1):
        if GLUE.fullmatch(line.strip()):
            continue
        fields = _fields(line, source)
        beside = not words or (SAID.match(line) is not None and len(fields) != len(words[0]))
        comment = beside and _is_comment(line, fields, width)
        if comment or _ends(line, fields) or (number == 1 and fields == source.header):
            if words:
                yield first, words, said
                words, said = [], {}
            said |= _said(line) if comment else {}
        elif words and len(fields) != len(words[0]):
            raise UserError(
                f"{path}, row {number}: {len(fields)} columns, the sentence's first word has {len(words[0])}"
            )
        else:
            first = first if words else number
            words.append(fields)
    if words:
        yield first, words, said


def _ends(line: str, fields: list[str]) -> bool:
    """A blank line, the begin of a document, or an element of a vertical, <s>, ends a sentence."""
    return not any(fields) or fields[0] == "-DOCSTART-" or ELEMENT.fullmatch(line.strip()) is not None


def _fields(line: str, source: Source) -> list[str]:
    line = line.rstrip("\r\n")
    if source.separator:
        return next(csv.reader([line], delimiter=source.separator), [])
    return line.split("\t") if "\t" in line else [part for part in re.split(" +", line) if part]


def _language(path: Path, source: Source) -> str:
    """What every word of the beginning has before it, "en:"; empty where it is nothing of that kind."""
    firsts = [words[0][0] for _, words, _ in islice(_sentences(path, source), AHEAD)]
    found = {match[0] if (match := LANGUAGE.match(first)) else "" for first in firsts}
    return found.pop() if len(found) == 1 and len(firsts) > 1 else ""


def _width(path: Path, source: Source) -> int:
    """How many columns the first line has that is surely a word's; 0 where none is."""
    for number, line in enumerate(lines(path, source.encoding)):
        fields = _fields(line, source)
        if not _ends(line, fields) and not line.startswith("#"):
            return len(fields)
        if number == AHEAD:
            break
    return 0


def _is_comment(line: str, fields: list[str], width: int) -> bool:
    """A line before a sentence that begins with "#" and has not a word's columns: "#" may be a word."""
    return line.startswith("#") and (len(fields) != width or SAID.match(line) is not None)


def _said(comment: str) -> Values:
    """ "# sent_id = 7" and MultiCoNER's "# id 5f2e<tab>domain=en" as columns; others say nothing."""
    if found := SAID.match(comment):
        return {found[1]: found[2].strip()}
    if found := re.match(r"# id (\S+)(.*)", comment):
        pairs = [pair.partition("=") for pair in found[2].split()]
        return {"id": found[1], **{key: value for key, sign, value in pairs if sign}}
    return {}


def _is_conllu(sample: Sample) -> bool:
    words = [line.split("\t") for line in sample.lines if line.strip() and not line.startswith("#")]
    numbers = all(re.fullmatch(r"\d+([-.]\d+)?", word[0]) for word in words)
    return bool(words) and numbers and all(len(word) == len(CONLLU) for word in words)


def _is_conll(sample: Sample) -> bool:
    """A CoNLL file of other columns: equally many in nearly every line, and blank lines between sentences."""
    if _is_conllu(sample) or sample.text.lstrip()[:1] in ("{", "["):
        return False
    kept = ("" if ELEMENT.fullmatch(line.strip()) else line for line in sample.lines)
    whole = "\n".join(line for line in kept if not line.startswith("-DOCSTART-")).strip().split("\n")
    words = [re.split("\t| +", line.rstrip()) for line in whole if line.strip() and not line.startswith("#")]
    blank = sum(not line.strip() for line in whole)
    return blank > 0 and are_even(whole) and blank < len(words) < 200 * (blank + 1)


def are_even(block: Sequence[str]) -> bool:
    """Have nearly all lines equally many columns, those of the file or those of their sentence?"""
    widths: list[int] = []
    alike: list[bool] = []  # as the line before
    before = 0
    for line in block:
        if line.startswith("#"):
            continue
        width = len(re.split("\t| +", line.rstrip())) if line.strip() else 0
        if width and before:
            alike.append(width == before)
        widths += [width] if width else []
        before = width
    usual = max(set(widths), key=widths.count, default=0)
    same = widths.count(usual) >= ALIKE * len(widths)
    several = len(widths) - len(alike) >= FEWEST and 2 * len(alike) > len(widths)
    within = several and sum(alike) >= ALIKE * len(alike)
    return 1 < usual <= MOST_COLUMNS and bool(same or within)


FORMATS = {"conll": Format(read_conll, _is_conll), "conllu": Format(read_conllu, _is_conllu)}
