"""What a service says of itself: GET /tasks, GET /metadata, and a page to try it on."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from serving.bundle import card

PAGE = Path(__file__).with_name("page.html")


async def page(_: Request) -> FileResponse:
    """A self-contained page: type a text, see every task's answer."""
    return FileResponse(PAGE, media_type="text/html")


async def tasks(_: Request) -> JSONResponse:
    """The tasks with family, labels, limits and metrics, and the version that answers them."""
    return JSONResponse({"version": card()["version"], "tasks": card()["tasks"]})


async def metadata(_: Request) -> JSONResponse:
    """The whole card: from here to the hashes of data, model and code, the commit and the verdict."""
    return JSONResponse(card())


app = Starlette(routes=[Route("/", page), Route("/tasks", tasks), Route("/metadata", metadata)])
