"""Which of the older encodings, a byte a letter, a text is in: that in which its letters are a language's.

Statistics of whole languages are not needed: bytes beyond ASCII, read in a wrong encoding, become signs,
letters of other languages, or capitals within words.
"""

from __future__ import annotations

LATIN = "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœýþð"
CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžäöüßőűăâîşţđ"
CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў"
LETTERS = {  # of the languages that are written in it; of equals the first is taken
    "cp1254": "çğıöşüâîûi̇",
    "cp1252": LATIN,
    "mac_roman": LATIN,
    "cp1257": "āčēģīķļņšūžąęėįųõäöü",
    "cp1250": CENTRAL,
    "cp850": LATIN,
    "iso8859_2": CENTRAL,
}
ALONE = {  # the same of those whose words have no Latin letters
    "cp1255": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "cp1251": CYRILLIC,
    "cp1253": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋΐΰς",
    "cp1256": "ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىيپچژگ",
    "cp874": "".join(map(chr, range(0x0E01, 0x0E5C))),
    "koi8_u": CYRILLIC,
    "cp866": CYRILLIC,
    "iso8859_5": CYRILLIC,
}
SIGNS = set("‘’‚“”„–—…«»€£§°·•№¿¡©®™½´\xa0\u200e\u200f،؛؟")
LOOKED = 200_000  # bytes
FEWEST = 0.8  # share of what is beyond ASCII


def single_byte(data: bytes) -> str | None:
    """The encoding in which most characters beyond ASCII are letters of its languages, if there is one."""
    shares = {name: _share(data[:LOOKED], name) for name in (*LETTERS, *ALONE)}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] < FEWEST:
        return None
    same = shares["cp1252"] == shares[best] and data.decode("cp1252") == data.decode(best)
    return "cp1252" if same else best


def _share(data: bytes, encoding: str) -> float:
    """The share of characters beyond ASCII that are letters as they stand in words, or signs; 0: no text."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    letters = set(LETTERS.get(encoding) or ALONE[encoding])
    foreign = [place for place, one in enumerate(text) if not one.isascii()]
    sound = sum(
        _is_sound(text[max(place - 1, 0) : place + 2], text[place], letters, encoding) for place in foreign
    )
    return sound / max(len(foreign), 1)


def _is_sound(around: str, one: str, letters: set[str], encoding: str) -> bool:
    """A letter of the languages, no capital behind a small letter; or a sign. Of those beside Latin letters
    three do not follow each other; others do not stand beside them."""
    if one in SIGNS:
        return True
    plain = any(each.isascii() and each.isalpha() for each in around)
    odd = plain if encoding in ALONE else all(each.isalpha() and not each.isascii() for each in around)
    return one.lower() in letters and not odd and not (one.isupper() and around[0].islower())
