"""What a run shows on the page of Prefect. What it has come to does not depend on whether that is taken."""

from __future__ import annotations

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import PrefectException


def show(page: str, key: str, description: str) -> None:
    """Show a page of Markdown; a server that does not take it changes nothing."""
    try:
        create_markdown_artifact(page, key=key, description=description)
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("the report is not shown here: %s", error)
