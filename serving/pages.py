"""What a service says of itself: GET /tasks, GET /metadata, a page to try it on, and one for its operator."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from components import families
from components.families.base.capabilities import TeacherForcing
from components.pages import render
from serving import callers
from serving.bundle import RUNNING, Served, served
from serving.explain import explained_family
from serving.openapi import Json, completed
from serving.operation import may_read, report, said
from serving.watch import exposition

TEMPLATE = Path(__file__).with_name("page.html.jinja")
ALONE = {"Content-Security-Policy": "sandbox allow-scripts"}  # a page that may do nothing in our name
OPERATION = Path(__file__).with_name("operate.html.jinja")


# A question for the inputs that no family's example has.
DIALOGUE = [{"role": "customer", "text": "It does not start."}]


@lru_cache(maxsize=1)
def html(release: Served) -> str:
    """The page; it knows which inputs of which tasks are structured, and which answers have a why."""
    tasks = release.card.tasks
    return render.render(
        TEMPLATE,
        structured=structured((task.family, task.inputs) for task in tasks.values()),
        token=callers.are_asked(),
        explained=[name for name, task in tasks.items() if explained_family(task.family)],
        written=[
            name for name, task in tasks.items() if isinstance(families.get(task.family), TeacherForcing)
        ],
    )


def structured(tasks: Iterable[tuple[str, Sequence[str]]]) -> dict[str, dict[str, str]]:
    """A task's inputs, as one string -> those of them that are no plain text -> an example in JSON: what the
    page asks for as JSON. Any other input is a text, whatever it looks like. `tasks`: family, inputs."""
    found: dict[str, dict[str, str]] = {}
    for name, inputs in tasks:
        family = families.get(name)
        question = {"turns": DIALOGUE, **family.example[0]}
        fields = family.request.model_fields
        names = [name for name in inputs if fields[name].annotation is not str]
        found[" ".join(inputs)] = {name: json.dumps(question[name]) for name in names}
    return found


async def page(_: Request) -> HTMLResponse:
    """A self-contained page: type a text, see every task's answer."""
    return HTMLResponse(html(served()))


async def operation(_: Request) -> HTMLResponse:
    """A self-contained page that draws GET /metrics: traffic, latency, confidence."""
    now = served()
    said = now.card.model_dump(include={"name", "version", "champion"})
    told = {"verdict": now.card.judged, "release": now.release, "tasks": now.card.tasks}
    return HTMLResponse(render.render(OPERATION, **said, **told))


async def icon(_: Request) -> FileResponse:
    """For a browser that shows JSON; the page has its own."""
    return FileResponse(render.ICON, media_type="image/svg+xml")


async def tasks(_: Request) -> JSONResponse:
    """The tasks with family, labels, limits and metrics, and the version that answers them."""
    now = served()
    return JSONResponse(
        {"release": now.release, **now.card.model_dump(mode="json", include={"version", "tasks"})}
    )


async def metadata(_: Request) -> JSONResponse:
    """The whole card: from here to the hashes of data, model and code, the commit and the verdict; and what
    computes the encoder's states in this worker."""
    now = served()
    running = RUNNING.get(now.card.version, {})
    return JSONResponse({"release": now.release, "running": running, **now.card.model_dump(mode="json")})


@lru_cache(maxsize=1)
def document(release: Served) -> Json:
    """What OpenAPI says of the service that holds this app while a release answers."""
    return completed(app.state.service.openapi_spec.asdict(), release.card, callers.are_asked())


async def described(_: Request) -> JSONResponse:
    """OpenAPI's document."""
    return JSONResponse(document(served()))


async def history(_: Request) -> JSONResponse:
    """What the operator's page shows beside the metrics."""
    return JSONResponse(await to_thread(said))


async def evaluated(request: Request) -> Response:
    """The page of a release's evaluation."""
    release = request.query_params.get("release", "")
    if not may_read(request):
        sentence = "a report quotes test rows: ask from the service's own machine, or start it with a token"
        return JSONResponse({"error": sentence}, 403)
    if (file := await to_thread(report, release)) is None:
        return JSONResponse({"error": f"release: there is no report of '{release:.60}' here"}, 404)
    return FileResponse(file, media_type="text/html", headers=ALONE)


async def measured(_: Request) -> Response:
    """Prometheus's metrics, of all workers."""
    from prometheus_client import CONTENT_TYPE_LATEST

    return Response(await to_thread(exposition), media_type=CONTENT_TYPE_LATEST)


app = Starlette(
    routes=[
        Route("/metrics", measured),
        Route("/history", history),
        Route("/report", evaluated),
        Route("/", page),
        Route("/operate", operation),
        Route("/favicon.ico", icon),
        Route("/tasks", tasks),
        Route("/metadata", metadata),
        Route("/docs.json", described),
    ]
)
