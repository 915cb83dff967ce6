"""Every HTML page that we write: one base, one style, one set of components.

A page's template stands beside the code that fills it and extends `base.html.jinja`. What comes out is one
file that opens offline: it loads nothing, and it shows texts and names escaped, whatever they hold.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.files import atomic_file

if TYPE_CHECKING:
    import jinja2

HERE = Path(__file__).parent
ICON = HERE / "icon.svg"
CODE = re.compile(r"`([^`]+)`")
LONGEST = 80  # characters of a name


def write(path: Path, template: Path, **context: Any) -> None:
    """Render a page to `path`; the file is whole or absent."""
    with atomic_file(path) as temporary:
        temporary.write_text(render(template, **context), encoding="utf-8")


def render(template: Path, **context: Any) -> str:
    """The page as HTML; a name that the template asks for and `context` lacks is an error."""
    return _environment(template.parent).get_template(template.name).render(**context)


@cache  # which keeps the templates that it has compiled
def _environment(room: Path) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([room, HERE]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"n": "{:,}".format, "short": short, "score": score, "signed": "{:+.3f}".format}
    environment.filters |= {"named": named, "anchor": anchor, "sentence": sentence, "coded": coded}
    environment.globals |= {"count": count, "icon": base64.b64encode(ICON.read_bytes()).decode()}
    return environment


def named(name: str) -> str:
    """A name that somebody has given, in its own direction of writing; a long one is cut, and whole where the
    mouse rests."""
    from markupsafe import Markup

    line = " ".join(name.split())
    if len(line) <= LONGEST:
        return Markup("<bdi>{}</bdi>").format(line)
    return Markup('<bdi title="{}">{}…</bdi>').format(line, line[: LONGEST - 1])


def sentence(clause: str) -> str:
    """A clause with a capital and a full stop; a name at its beginning stays as it is written."""
    first, _, rest = clause.partition(" ")
    begun = first.capitalize() if first.isalpha() and first.islower() else first
    return f"{begun} {rest}".strip().rstrip(".") + "."


def coded(text: str) -> str:
    """A text, with what stands between backticks in it as code: a command to give."""
    from markupsafe import Markup, escape

    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 escaped


def anchor(name: str) -> str:
    """What a section of this name is called in a link."""
    return "-".join(name.split())


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 row", "1,200 rows"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def score(value: float | None) -> str:
    """A metric's value for people."""
    return "none" if value is None else f"{value:.3f}"


def short(number: int) -> str:
    """A count in at most four characters, where there is no room for more: 950, 1.2k, 34k, 5M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return (
                f"{number / size:.1f}".removesuffix(".0") + unit
                if number < 10 * size
                else f"{number // size}{unit}"
            )
    return str(number)
