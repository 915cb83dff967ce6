"""Write docs/pictures/: the reports of the last run and the page of its service, as the README shows them.

`python docs/make_screenshots.py`, or `make screenshots`, in a project that has run. Needs chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from components.errors import UserError
from components.evaluation.answers import Answers
from components.release import query

PICTURES = Path(__file__).parent / "pictures"
REPORTS = {"validation": 850, "training": 1100, "evaluation": 860, "sharing": 1000}  # and their heights
SERVICE, OPERATION = 1100, 1850
WIDTH = 1400  # pixels
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--blink-settings=preferredColorScheme=1", "--virtual-time-budget=10000",
)  # fmt: skip


def main(root: Path = Path(), target: Path = PICTURES) -> None:
    """Take every picture that the project below `root` has a page for.

    Raises:
        UserError: chromium, the reports or the Bento are missing.
    """
    browser = find_browser()
    pages = {name: root / "reports" / f"{name}.html" for name in REPORTS}
    for name in ("validation", "training", "evaluation"):  # a project need not compare
        if not pages[name].is_file():
            raise UserError(f"{pages[name]}: no such file; run `onetrunk run` first, it makes the reports")
    if not (root / "bento").is_dir():
        raise UserError(
            f"{root / 'bento'}: no such folder; the service's page comes from the Bento of a promoted run"
        )
    for name, page in pages.items():
        if page.is_file():
            take(browser, page.absolute().as_uri(), REPORTS[name], target / f"{name}.png")
    with query.running(root / "bento") as url:
        take(browser, f"{url}/?{urlencode(question(root))}", SERVICE, target / "service.png")
        take(browser, f"{url}/operate", OPERATION, target / "operation.png")


def find_browser() -> str:
    """The path of the browser."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise UserError("chromium is not installed, and takes the pictures; `apt install chromium` brings it")
    return found


def question(root: Path) -> dict[str, str]:
    """The question of the first task that reads a text alone."""
    asked = [exchange.question for exchange in Answers.read(root / "reports/answers.json").tasks.values()]
    return next((one for one in asked if list(one) == ["text"]), asked[0])


def take(browser: str, address: str, height: int, target: Path) -> None:
    """A picture of the top of a page, light, WIDTH x height pixels."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--window-size={WIDTH},{height}"]
        command += [f"--screenshot={target.absolute()}", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0 or not target.is_file():
        raise UserError(f"{target}: {browser} took no picture of {address}: {done.stderr.strip()[-300:]}")
    print(f"{target}  {target.stat().st_size // 1024} KB")  # noqa: T201


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
