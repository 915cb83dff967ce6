"""A file that stands in the place of the data, whatever its name says: a web page that asks to sign in, an
error of a server, a pointer of git-lfs, a document. Told by its beginning, before a reader sees it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from components.data.sources.formats.packed import opened
from components.errors import UserError

BEGINNING = 20_000  # bytes
SHORT = 400  # characters of an answer that is no page, at most
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00")  # a zip archive may be a sheet
SAID = 120  # characters of what it says
FETCH = "download the file itself (of a page that shows it the raw link), and sign in where that is asked for"
TABLE = "write it as CSV, JSON Lines or Parquet"

MARKS = {
    b"%PDF": "a PDF document; take its text out first",
    b"SQLite format 3": "an SQLite database; name a query of it under `remotes` in params.yaml",
    b"version https://git-lfs": "a pointer of git-lfs, not the file itself; run `git lfs pull` there",
    b"\x93NUMPY": f"an array of numpy; {TABLE}",
    b"\x89HDF": f"an HDF5 file; {TABLE}",
    b"X\n\x00\x00\x00": f"an object of R; {TABLE}",
    b"$FL2@(#)": f"a file of SPSS; {TABLE}",
    b"<stata_dta>": f"a file of Stata; {TABLE}",
    b"RDX": f"objects of R; {TABLE}",
    b"{\\rtf": "an RTF document; save it as plain text",
    b"\\documentclass": "a LaTeX document; take its text out first",
    b"Rar!\x1a": "a RAR archive; unpack it",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it",
    b"\x89PNG\r\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
}
PICKLE = re.compile(rb"\x80[\x02-\x05][\x80-\xffc}\](KMX.]")  # a protocol, then an instruction
TAR = slice(257, 262)  # bytes of its mark
COMMENTS = r"(?is)\s*(?:(?><!--.*?-->)\s*+)*+"  # possessive, or many would be tried in every grouping
INLINE = r"(?!>[^<\n]+</[^\n]*\n\s*\S)"  # a span of the first of several lines: <body>arm</body>
PAGE = re.compile(rf"{COMMENTS}<(?:!doctype html\b|html\b|(?:head|body)\b{INLINE})")
TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")
XML = re.compile(rf"{COMMENTS}<(?:\?xml|!doctype|rss|svg|error>\s*<code)")
SVG = re.compile(rf"{COMMENTS}(?:<\?xml[^>]*>\s*)?<svg\b")
ERROR = re.compile(rf"{COMMENTS}(?:<\?xml[^>]*>\s*)?<error>")
XML_SAID = re.compile(r"(?is)<(code|message)>(.*?)</\1>")
POINTERS = {  # by how they begin
    r"(?:\.\./|/)*(?:\.git/)?annex/objects/\S+\s*\Z": (
        "a pointer of git-annex, not the file itself; run `git annex get` there"
    ),
    r"(?:md5: \w+\s+|frozen: \w+\s+)*outs:\s+- (?:md5|size|hash|path): ": (
        "a pointer of DVC, not the file itself; run `dvc pull` there and name what it points to"
    ),
}
CONLL = "export them as CoNLL 2002 or as CoNLL-U"
BIOC = "BioC; write a row for each passage, as JSON Lines"
SPANS = "write a row for each text with its spans (start, end, type), as JSON Lines"
UNREAD = {  # exports of tools by how they begin, and what is read instead
    r"(?s)\s*(?:<\?xml[^>]*>\s*)?<xmi:XMI\b": f"annotations in UIMA's XMI; {CONLL}",
    r'\s*\{\s*"%(?:TYPES|FEATURE_STRUCTURES|VIEWS)"': f"annotations in UIMA's JSON; {CONLL}",
    r'(?s)\s*[\[{].{,5000}"passages"\s*:\s*\[\s*\{.{,500}"infons"': BIOC,
    r"(?s)\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE collection.{,100}>\s*)?<collection>.{,5000}<passage>": BIOC,
    r"\s*\d+\|t\|.*\n\d+\|a\|": "PubTator's export; write a row for each text with its spans, as JSON Lines",
    r'(?s)\s*\{.{,5000}"projectKind"\s*:.{,5000}"regionOffset"': (
        "Azure's labels, whose texts are files of their own; write both in a row, as JSON Lines"
    ),
    r'\s*\[?\s*\{\s*"data_row"\s*:\s*\{': f"Labelbox's export; {SPANS}",
    r'\s*\{"text"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*"label"\s*:\s*\{\s*"[^"]*"\s*:\s*\{\s*"[^"]*"\s*:\s*\[\[\d': (
        f"CLUENER's places of names by their type, the last character among them; {SPANS}"
    ),
    r'(?s)\s*\{(?=.{,19000}"sentences"\s*:\s*\[\s*\[)(?=.{,19000}"ner"\s*:\s*\[\s*\[)'
    r'.{,19000}"relations"\s*:\s*\[\s*\[': (
        "documents as of SciERC and DyGIE, whose words are counted through all sentences; write a row for "
        "each sentence with its tokens and tags, as JSON Lines"
    ),
    r'(?s)\s*\[?\s*\{(?=.{,9000}"fields"\s*:\s*\{)'
    r'.{,9000}"responses"\s*:\s*\{\s*"[^"]*"\s*:\s*\[\s*\{\s*"': (
        "records of Argilla 2, whose responses are a list for each question; write a row for each text with "
        "the value that most of them say, as JSON Lines"
    ),
    r'(?:\s*#.*\n)*\s*\[{1,2}[A-Za-z_][\w.-]*\]{1,2}[ \t]*\r?\n(?:\s*#.*\n)*\s*["\w.-]+\s*=\s*\S': (
        f"a file of TOML, or of settings; {TABLE}"
    ),
}
# Keys of an object that is a server's answer; one of the first three says what is wrong.
ANSWER = {
    *("error", "message", "detail", "errors", "msg", "description", "reason", "title", "type", "code"),
    *("status", "status_code", "statusCode", "success", "ok", "path", "timestamp", "documentation_url"),
    *("request_id", "requestId", "trace_id", "error_description", "error_code", "instance", "hint"),
}
ERRORS = ("error", "message", "detail", "msg", "error_description")
SURE = {"error", "errors", "error_code", "error_description", "documentation_url"}
STATUS = ("status", "status_code", "statusCode", "code", "success", "ok")
LEAST = 400  # status of HTTP that says what went wrong
REFUSED = re.compile(
    r"(?i)(?:error\W+)?(?:(?:4\d\d|50\d)\b\W*)?"
    r"(?:(?:file|page|entry|repository|resource|object|revision|dataset|sorry, .*)? ?not found"
    r"|access (?:to .* is restricted|denied|forbidden).*|forbidden|unauthori[sz]ed|bad (?:request|gateway)"
    r"|invalid (?:username or password|credentials|token).*|internal server error|service unavailable"
    r"|gateway time-?out|too many requests|rate limit exceeded|moved permanently|quota exceeded.*)\W*"
)


def refuse(path: Path, markup: bool = False) -> None:
    """Refuse a file that is no data of any format, or of none but XML without `markup`.

    Raises:
        UserError: what it is, and how the data are had.
    """
    try:
        with path.open("rb") as file:
            data = file.read(BEGINNING)
        if data.startswith(PACKED):
            with opened(path) as unpacked:
                data = unpacked.read(BEGINNING)
    except OSError:
        return  # the reader says why
    if found := named(data, markup):
        raise UserError(f"{path}: it is {found}")


def named(data: bytes, markup: bool = False) -> str:
    """What a file is, by its first bytes, and what to do; empty where it may be data; XML, with `markup`."""
    for mark, what in MARKS.items():
        if data.startswith(mark):
            return what
    if PICKLE.match(data):
        return f"a pickle, which is never loaded; {TABLE}"
    if data[TAR] == b"ustar":
        return "a tar archive; unpack it (`tar xf`) and name a file of it"
    return _named_text(data.decode("utf-8", "replace").removeprefix("\ufeff"), markup)


def _named_text(text: str, markup: bool) -> str:
    if what := next((what for mark, what in UNREAD.items() if re.match(mark, text)), ""):
        return what
    if PAGE.match(text):
        title = TITLE.search(text)
        return f"a web page{_quoted(title[1]) if title else ''} in HTML, not the data; {FETCH}"
    if XML.match(text):
        return _named_xml(text, markup)
    if text.lstrip().startswith("{") and all(f'"{key}"' in text for key in ("cells", "cell_type")):
        return f"a notebook of Jupyter; {TABLE} in it"
    if what := next((what for mark, what in POINTERS.items() if re.match(mark, text)), ""):
        return what
    said = _answer(text) if len(text) < BEGINNING / 2 else ""
    return f"a server's answer{_quoted(said)} in the place of the data; {FETCH}" if said else ""


def _named_xml(text: str, markup: bool) -> str:
    said = ": ".join(value.strip() for _, value in XML_SAID.findall(text))
    if SVG.match(text):
        return "a picture (SVG)"
    if said and (ERROR.match(text) or not markup):
        return f"a server's error{_quoted(said)} in XML; {FETCH}"
    return "" if markup else f"a document in XML; set `format: xml`, or {TABLE}"


def _answer(text: str) -> str:
    """What an answer says that is an error, not rows; empty where it is none."""
    line = text.strip()
    if len(line) <= SHORT and "\n" not in line and REFUSED.fullmatch(line):
        return line
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return _of_object(found) if isinstance(found, dict) and found.keys() <= ANSWER else ""


def _of_object(found: dict[str, Any]) -> str:
    inner = found.get("error")
    given = [found.get(key) for key in ERRORS] + [inner.get("message") if isinstance(inner, dict) else None]
    said = [one for one in given if isinstance(one, str)]
    failed = len(found) == 1 or not SURE.isdisjoint(found) or any(map(REFUSED.fullmatch, said))
    failed = failed or any(_is_failure(found.get(key)) for key in STATUS)
    return ": ".join(dict.fromkeys(said)) if failed else ""


def _is_failure(status: Any) -> bool:
    """A number of HTTP, false, or a word; a message alone may be a row."""
    if isinstance(status, str):
        return status.lower() in ("error", "fail", "failed", "failure")
    return status is False or (isinstance(status, int) and status >= LEAST)


def _quoted(said: str) -> str:
    plain = " ".join(said.split())
    return f" ('{plain:.{SAID}}{'...' if len(plain) > SAID else ''}')"
