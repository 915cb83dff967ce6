"""Where words are in a text, and which of the encoder's pieces stand for them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from components.errors import BadRowError
from components.families.shared.items import read_items

if TYPE_CHECKING:
    from tokenizers import Encoding

Place = list[int]  # [start, end) in characters of the text

# Of scripts that set no blanks between words: their characters are the words.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u1950-\u19ff\u1a20-\u1aaf\uaa80-\uaadf\u1b00-\u1b7f\ua980-\ua9df"  # Tai, Balinese, Javanese
    "\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\uff66-\uff9f"  # Japanese, and Chinese by its sounds
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
)
_JOINERS = "\u00ad\u200c\u200d\u2060"  # inside words (where one may be broken, or not), and inside emoji
_FORMS = range(0xFE00, 0xFE10)  # choose the form of a sign, as of an emoji, and are no part of a word
_MARKED = 0x20000  # characters of which some are marks; those above choose forms as well
_MARK = "\u0300"  # stands for any combining mark, which Python's \w leaves out
_WORD = re.compile(rf"(?:\w|{_MARK})+|[^\w\s]{_MARK}*")


def _is_mark(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character).startswith("M")


def _ranges(codes: Iterable[int]) -> str:
    """Of a class of a regular expression, which looks at each that it is given in turn."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)


# Combining marks, which Python's \w leaves out, and what joins letters; for a class of a regular expression.
MARKS = _ranges(code for code in range(_MARKED) if _is_mark(chr(code)) and code not in _FORMS)


def _list_of(text: str) -> list[Any] | None:
    """The list that a table's cell holds, as JSON, Python or numpy writes it; None where it holds something
    else, as "[1]" in a text."""
    if not text.lstrip().startswith(('["', "['", '[ "', "[ '")):
        return None
    try:
        return read_items(text)
    except BadRowError:
        return None


def read_words(record: Mapping[str, Any], role: str) -> list[str]:
    """A list of words, none of them blank; as such, as JSON, or as a text with spaces between them."""
    value = record.get(role)
    if isinstance(value, str):
        value = _list_of(value) or value.split()
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise BadRowError(f"'{role}' is {value!r:.60}, expected a list of words")
    for number, item in enumerate(value, 1):
        if not item.strip():
            raise BadRowError(f"'{role}' has a blank at place {number}, expected a word")
    return value


def units(text: str, unit: str) -> list[Place]:
    """The places of a text's words, or of its characters that are no space."""
    if unit == "character":
        return [[i, i + 1] for i, character in enumerate(text) if not character.isspace()]
    return words(text)


def words(text: str) -> list[Place]:
    """Runs of letters, digits and their marks (vowel signs of Hindi, Thai or Arabic), or one symbol."""
    marked = text if text.isascii() else "".join(_MARK if _is_mark(one) else one for one in text)
    return [list(match.span()) for match in _WORD.finditer(marked)]


def split_at(places: Sequence[Place], cuts: Collection[int]) -> list[Place]:
    """The places, cut in two where a cut falls inside one."""
    pieces = []
    for start, end in places:
        bounds = [start, *sorted(cut for cut in cuts if start < cut < end), end]
        pieces += [list(piece) for piece in pairwise(bounds)]
    return pieces


def places(tokens: Sequence[str], text: str) -> list[Place]:
    """The place of every token in the text, in order.

    Raises:
        BadRowError: a token is not in the text after the one before it.
    """
    found, end = [], 0
    for number, token in enumerate(tokens, 1):
        start = text.find(token, end)
        if start < 0:
            raise BadRowError(f"token {number}, '{token:.30}', is not in the text after the one before it")
        end = start + len(token)
        found.append([start, end])
    return found


def first_pieces(encoding: Encoding, words: Sequence[Place]) -> dict[int, int]:
    """Word number -> position of the first piece that holds a character of the word and stands for no
    word before it. A word that was cut off has none, nor has one that shares all its pieces."""
    pieces = [
        (position, *offset)
        for position, (offset, sequence) in enumerate(
            zip(encoding.offsets, encoding.sequence_ids, strict=True)
        )
        if sequence == 0 and offset[0] < offset[1]
    ]
    found: dict[int, int] = {}
    place = 0
    for word, (start, end) in enumerate(words):
        while place < len(pieces) and pieces[place][2] <= start:
            place += 1
        if place < len(pieces) and pieces[place][1] < end:
            found[word] = pieces[place][0]
            place += 1
    return found


def word_features(tokens: Sequence[str]) -> list[list[str]]:
    """The linear baseline's features of every word of a sentence."""
    padded = ["<s>", "<s>", *tokens, "</s>", "</s>"]
    features = []
    for i, word in enumerate(tokens, 2):
        shape = "".join(
            "X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in word
        )
        window = [f"{offset}:{padded[i + offset].lower()}" for offset in (-2, -1, 0, 1, 2)]
        affixes = [f"p{n}:{word[:n]}" for n in (2, 3)] + [f"s{n}:{word[-n:]}" for n in (2, 3)]
        cases = [f"{offset}:{padded[i + offset][:1].isupper()}" for offset in (-1, 1)]
        features.append([*window, *affixes, *cases, f"word:{word}", f"shape:{shape[:8]}"])
    return features
