"""Which of the older encodings, a byte a letter, a text is in: that in which its letters are a language's.

Statistics of whole languages are not needed: bytes beyond ASCII, read in a wrong encoding, become signs,
letters of other languages, or capitals within words.
"""

from __future__ import annotations

from collections import Counter

WESTERN = (
    *("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõúü", "àèéìíîòóùú", "áéëïíóöüèê"),
    *("åäöéà", "æøåéòóôèêü", "áéíóúýþðæö", "àçèéíïòóúü", "äõöü"),
)
CENTRAL = ("ąćęłńóśźż", "áäčďéěíĺľňóôŕřšťúůýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß")
BALTIC = ("āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž")
CYRILLIC = ("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў",)
TONES = "\u0300\u0301\u0303\u0309\u0323"  # of Vietnamese: marks in its encoding, each behind a vowel
VOWELS = set("aăâeêioôơuưy")
LETTERS = {  # of each language that is written in it; of equals the first is taken
    "cp1254": ("çğıİöşüâîû",),
    "cp1252": WESTERN,
    "mac_roman": WESTERN,
    "cp1257": BALTIC,
    "cp1250": CENTRAL,
    "cp850": WESTERN,
    "iso8859_2": CENTRAL,
    "cp1258": ("ăâđêôơưàáèéíóùú" + TONES,),
}
ALONE = {  # the same of those whose words have no Latin letters
    "cp1255": ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",),
    "cp1251": CYRILLIC,
    "cp1253": ("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋΐΰς",),
    "cp1256": ("ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىيپچژگ",),
    "cp874": ("".join(map(chr, range(0x0E01, 0x0E5C))),),
    "koi8_u": CYRILLIC,
    "cp866": CYRILLIC,
    "iso8859_5": CYRILLIC,
}
JOINING = set("‘’–—…·\xa0\xad\u200e\u200f")  # signs that stand within words as well
QUOTES = set("‚“”„«»‹›¿¡،؛؟•")  # beside words
SIGNS = set("€£¥¢§°№©®™¼½¾±×÷µ¹²³ªº¬¦†‡‰´¨¸¯")  # beside figures, blanks and letters of ASCII
LOOKED = 200_000  # bytes
FEWEST = 0.8  # share of what is beyond ASCII


def single_byte(data: bytes) -> str | None:
    """The encoding in which most characters beyond ASCII are letters of its languages, of equals those of a
    single one, if there is such an encoding."""
    shares = {name: _shares(data[:LOOKED], name) for name in (*LETTERS, *ALONE)}
    best = max(shares, key=lambda name: shares[name])
    if shares[best][0] < FEWEST:
        return None
    same = shares["cp1252"] == shares[best] and data.decode("cp1252") == data.decode(best)
    return "cp1252" if same else best


def _shares(data: bytes, encoding: str) -> tuple[float, float]:
    """The share of characters beyond ASCII that are letters as they stand in words, or signs; the same of the
    letters of a single language. 0: no text."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0, 0.0
    if encoding == "cp1258" and not any(map(text.count, TONES)):  # what is left is of many languages
        return 0.0, 0.0
    languages = LETTERS.get(encoding) or ALONE[encoding]
    known = set().union(*languages)
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    foreign = [each for each in around if not each[1].isascii()]
    sound = Counter(each[1] for each in foreign if _is_sign(*each) or _is_letter(*each, known, encoding))
    other = sound.total() - sum(count for one, count in sound.items() if _is_of(one, known))
    of_one = max(sum(count for one, count in sound.items() if _is_of(one, each)) for each in languages)
    total = max(len(foreign), 1)
    return sound.total() / total, (other + of_one) / total


def _is_of(one: str, letters: set[str] | str) -> bool:
    return one in letters or one.lower() in letters


def _is_sign(before: str, one: str, after: str) -> bool:
    """Is it one, at a place where it may stand?"""
    apart = not (before.isalpha() and after.isalpha())
    plain = all(each.isascii() or not each.isalpha() for each in (before, after))
    return one in JOINING or (apart and (one in QUOTES or (one in SIGNS and plain)))


def _is_letter(before: str, one: str, after: str, known: set[str], encoding: str) -> bool:
    """Is it one of the languages, and no capital behind a small letter? Of those beside Latin letters three
    do not follow each other; others do not stand beside them."""
    plain = any(each.isascii() and each.isalpha() for each in (before, after))
    foreign = all(each.isalpha() and not each.isascii() for each in (before, one, after))
    odd = plain if encoding in ALONE else foreign
    if one in TONES:
        return before.lower() in VOWELS
    return _is_of(one, known) and not odd and not (one.isupper() and before.islower())
