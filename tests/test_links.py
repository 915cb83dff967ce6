"""Whoever follows a link in the documentation, or a page's name in a message, arrives."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:img|a)\s[^>]*(?:src|href)=\"([^\"]+)\"")
PICTURES = ROOT / "docs/pictures"
NAMED = re.compile(r"(?<![\w/.-])docs/[\w./*-]*\w")


def tracked(pattern: str) -> list[Path]:
    """The text files under git's eye that match; without git, as in a source archive, those on disk."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=ROOT, capture_output=True, text=True
    )
    names = (
        listed.stdout.split()
        if listed.returncode == 0
        else [str(path.relative_to(ROOT)) for path in ROOT.glob(f"**/{pattern}")]
    )
    return sorted(ROOT / name for name in names if (ROOT / name).is_file())


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.*?)\s*$", text, re.MULTILINE)
    seen: dict[str, int] = {}
    found = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    for heading in headings:
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def broken(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    lost = []
    text = SPAN.sub("code", FENCE.sub("", page.read_text(encoding="utf-8")))
    for match in LINK.finditer(text):
        target = match[1] or match[2]
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if there.parent == PICTURES and not PICTURES.exists():
            continue  # `make screenshots` takes them after a run
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            lost.append(target)
    return lost


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def exists(name: str) -> bool:
    """Is it a file or a folder, or the beginning of a decision's name? NAME stands for any."""
    return (
        name.startswith("docs/pictures")
        or "NAME" in name
        or any(ROOT.glob(name))
        or any(ROOT.glob(f"{name}-*.md"))
    )


@pytest.mark.slow
def test_every_page_that_code_a_message_or_a_page_names_is_there() -> None:
    files = [
        *tracked("*.md"),
        *tracked("*.py"),
        *tracked("*.yaml"),
        *tracked("*.toml"),
        *tracked("*.html"),
        *tracked("Makefile"),
    ]
    lost = {
        (str(file.relative_to(ROOT)), name)
        for file in files
        for name in NAMED.findall(file.read_text(encoding="utf-8"))
        if not exists(name)
    }
    assert lost == set()


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "docs/index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            there = (page.parent / (link[0] or link[1]).partition("#")[0]).resolve()
            if there.is_file():
                waiting.append(there)
    assert set(tracked("docs/*.md")) - seen == set()


def test_a_lost_page_and_a_lost_heading_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A `heading`, twice\n\n# A heading, twice\n")
    (tmp_path / "page.md").write_text(
        "[a](there.md#a-heading-twice-1) [b](there.md#a-heading) [c](gone.md) [d](https://example.org/x)"
    )
    assert broken(tmp_path / "page.md") == ["there.md#a-heading", "gone.md"]


CODE = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:py|jinja))`")
PAGES = [*tracked("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem != "add-a-family"], ids=lambda page: page.stem
)
def test_every_module_that_a_page_names_is_there(page: Path) -> None:
    """Below the root or below components/; the page on adding a family names those that its reader writes."""
    named = set(CODE.findall(page.read_text(encoding="utf-8")))
    assert {
        name for name in named if not any((ROOT / base / name).is_file() for base in ("", "components"))
    } == set()
