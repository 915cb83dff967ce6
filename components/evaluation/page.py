"""reports/evaluation.html and .md: the verdict and its evidence, for people. The page opens offline."""

from __future__ import annotations

from pathlib import Path

from components.evaluation import markdown
from components.evaluation.shown import FEW, Report, Shared
from components.files import atomic_file
from components.pages import render

TEMPLATE = Path(__file__).with_name("page.html.jinja")
PAGE, MARKDOWN = Path("reports/evaluation.html"), Path("reports/evaluation.md")


def write(root: Path, shared: Shared | None = None) -> None:
    """Render both from reports/{evaluation,verdict,training,plan}.json, and from what sharing has gained.

    Raises:
        UserError: a report is missing, torn, or of another version.
    """
    report = Report.read(root)
    render.write(root / PAGE, TEMPLATE, report=report, shared=shared, few=FEW)
    with atomic_file(root / MARKDOWN) as temporary:
        temporary.write_text(markdown.render(report), encoding="utf-8")
