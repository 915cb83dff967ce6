"""A page as a reader, a browser and a screen reader take it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Fails on an element that is closed out of order or never; keeps elements and headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def headings(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.elements if re.fullmatch(r"h[1-6]", tag)]


def words(html: str) -> str:
    """What a reader sees, in one line."""
    visible = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(visible.split())


def loaded(html: str) -> list[str]:
    """What a browser would fetch for the page, or would follow to another site."""
    without_icon = re.sub(r'<link rel="icon" href="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+">', "", html)
    return re.findall(
        r"https?:|<(?:link|img|iframe|object|embed)\b|@import|url\(|\bsrc=|\bsrcset=", without_icon
    )
