"""Blocks and automations of Prefect's server that tell people of a project's runs.

A channel is a block, which keeps the address as a secret, and the automations that use it. All bear names
made of the project's and the channel's, so that setting up again changes what is there and adds nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from prefect.automations import Automation
from prefect.blocks.core import Block
from prefect.blocks.notifications import SlackWebhook
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CallWebhook, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from pydantic import SecretStr

from components.errors import UserError
from flows.notifications.news import STATUS, Kind, Told

EVENTS: dict[Told, str] = {
    "promote": "onetrunk.verdict.promote",
    "hold": "onetrunk.verdict.hold",
    "reject": "onetrunk.verdict.reject",
    "failure": "onetrunk.run.failed",
    "test": "onetrunk.notification.test",
}
Match = dict[str, str | list[str]]
RUNS: Match = {"prefect.resource.id": "prefect.flow-run.*"}
RETRAIN: Match = {"prefect.resource.role": "flow", "prefect.resource.name": "retrain"}
CRASHED = "prefect.flow-run.Crashed"
SIGN_OF_LIFE = "prefect.flow-run.heartbeat"  # of every run, each three minutes
DEAD_AFTER = timedelta(minutes=10)
WATCH = "onetrunk: a run without a sign of life has crashed"
MESSAGE = "event.payload.message"
FIELDS = ("project", "outcome", "what", "task", "why", "command")


class Channel(NamedTuple):
    """A way to tell somebody."""

    block: type[Block]
    schemes: tuple[str, ...]  # that its address may begin with
    address: str  # what it is, for people
    more: Mapping[str, SecretDict] = {}  # of the block: many refuse JSON that does not say that it is


CHANNELS: dict[str, Channel] = {
    "webhook": Channel(
        Webhook,
        ("http://", "https://"),
        "the address that takes a JSON object",
        {"headers": SecretDict({"Content-Type": "application/json"})},
    ),
    "slack": Channel(SlackWebhook, ("https://", "json://"), "the address of an incoming webhook of Slack"),
    "email": Channel(
        SlackWebhook,  # which takes any address of Apprise; Prefect has no block of its own for SMTP
        ("mailto://", "mailtos://"),
        "mailtos://USER:PASSWORD@SERVER:PORT?from=ADDRESS&to=ADDRESS",
    ),
}


def resource(project: str) -> str:
    """What the events of a project are about."""
    return f"onetrunk.project.{project}"


def set_up(
    project: str, channel: str, address: str, kinds: Collection[Kind], silent_days: int | None, lasts: bool
) -> list[str]:
    """Have a channel told of these kinds, and of no run that went well for so many days.

    `lasts` says that the server outlives a run. Returns the names of the automations.

    Raises:
        UserError: it is no address of that channel; it is not shown.
    """
    act = _action(channel, _save(project, channel, address))
    wanted = list(_automations(project, channel, kinds, silent_days, act))
    for old in _of_channel(project, channel):
        if old.name not in {one.name for one in wanted}:
            old.delete()
    if lasts and "failure" in kinds:
        wanted.append(_watch())
    for automation in wanted:
        _put(automation)
    return [one.name for one in wanted]


def remove(project: str, channel: str | None = None) -> list[str]:
    """Tell this channel, or nobody, of the project any more; returns the names of what was removed."""
    found = [one for one in of_project(project) if channel is None or one in _of_channel(project, channel)]
    for one in found:
        one.delete()
    for each in [channel] if channel else CHANNELS:
        _forget_block(project, each)
    if not any(one.name.startswith("onetrunk ") for one in _all()):
        for one in _all():
            if one.name == WATCH:
                one.delete()
    return [one.name for one in found]


def of_project(project: str) -> list[Automation]:
    """The automations that tell of this project's runs, by name."""
    return [one for one in _all() if one.name.startswith(f"onetrunk {project}: ")]


def expects(automation: Automation) -> set[str]:
    """The events that set it off."""
    trigger = automation.trigger
    return set(trigger.expect) if isinstance(trigger, EventTrigger) else set()


def resource_id(automation: Automation) -> str:
    """What the server's own events call it."""
    return f"prefect.automation.{automation.id}"


def _of_channel(project: str, channel: str) -> list[Automation]:
    return [one for one in of_project(project) if one.name.endswith(f" -> {channel}")]


def _all() -> list[Automation]:
    with get_client(sync_client=True) as client:
        return [Automation(**one.model_dump()) for one in client.read_automations()]


def _automations(
    project: str, channel: str, kinds: Collection[Kind], silent_days: int | None, act: Callable[..., Any]
) -> Iterator[Automation]:
    """What a channel is told, each with its own trigger."""

    def automation(what: str, trigger: EventTrigger, action: Any) -> Automation:
        return Automation(name=f"onetrunk {project}: {what} -> {channel}", trigger=trigger, actions=[action])

    mine: Match = {**RUNS, "prefect.resource.name": f"{project} *"}  # as flows.retrain calls its runs
    told = EventTrigger(
        match={"prefect.resource.id": resource(project)},
        expect={EVENTS["test"], *(EVENTS[kind] for kind in kinds)},
        posture=Posture.Reactive,
        threshold=1,
    )
    yield automation(", ".join(kinds), told, act(MESSAGE, FIELDS))
    if "failure" in kinds:
        crashed = EventTrigger(
            match=mine, match_related=RETRAIN, expect={CRASHED}, posture=Posture.Reactive, threshold=1
        )
        said = (
            f'"{project}: a run has crashed or was killed (" ~ flow_run.state.message ~ "). More: {STATUS}"'
        )
        yield automation("a run has crashed", crashed, act(said, ()))
    if silent_days:
        silence = EventTrigger(
            match=mine,
            match_related=RETRAIN,
            expect={"prefect.flow-run.Completed"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(days=silent_days),
        )
        said = f'"{project}: no run has ended well for {silent_days} days. More: onetrunk history"'
        yield automation("no run has ended well", silence, act(said, ()))


def _watch() -> Automation:
    """A killed run says nothing any more: the server is told, and so is whoever hears of crashes."""
    silent = EventTrigger(
        match=RUNS,
        match_related=RETRAIN,
        after={SIGN_OF_LIFE},
        expect={"prefect.flow-run.*"},
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=DEAD_AFTER,
    )
    gone = f"no sign of life for {DEAD_AFTER.total_seconds() / 60:g} minutes"
    action = ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=gone, force=False)
    return Automation(name=WATCH, trigger=silent, actions=[action])


def _put(automation: Automation) -> None:
    """Create it, or change the one of its name."""
    for old in _all():
        if old.name == automation.name:
            automation.id = old.id
            automation.update()
            return
    automation.create()


def _save(project: str, channel: str, address: str) -> UUID:
    """Keep the address in the channel's block, and return the block's id."""
    kind = CHANNELS[channel]
    if not address.startswith(kind.schemes) or not _is_usable(kind, address):
        raise UserError(
            f"{channel}: this is not {kind.address}; it is not shown here, for it may hold a secret"
        )
    block = kind.block(url=SecretStr(address), **kind.more)
    return UUID(str(block.save(_block_name(project, channel), overwrite=True)))


def _is_usable(kind: Channel, address: str) -> bool:
    """Apprise, which delivers all but plain webhooks, understands it."""
    if kind.block is Webhook:
        return True
    from apprise import Apprise

    return bool(Apprise().add(address))


def _forget_block(project: str, channel: str) -> None:
    kind, name = CHANNELS[channel].block, _block_name(project, channel)
    # where nobody has used a block of its type, there is no such type either
    with get_client(sync_client=True) as client, contextlib.suppress(ObjectNotFound):
        for document in client.read_block_documents_by_type(kind.get_block_type_slug()):
            if document.name == name:
                client.delete_block_document(document.id)


def _block_name(project: str, channel: str) -> str:
    return f"onetrunk-{project.replace('_', '-')}-{channel}"


def _action(channel: str, block: UUID) -> Callable[[str, Sequence[str]], Any]:
    """(the text as an expression of Jinja, the event's further fields) -> the action that tells it."""

    def call(text: str, fields: Sequence[str]) -> CallWebhook:
        """A JSON object: `text`, which chats show as it is, and what programs ask for."""
        pairs = {"text": f"({text})", **{key: f"event.payload.{key}" for key in fields}}
        written = ", ".join(f'"{key}": {{{{ {value} | tojson }}}}' for key, value in pairs.items())
        return CallWebhook(block_document_id=block, payload=f"{{ {written} }}")

    def send(text: str, fields: Sequence[str]) -> SendNotification:
        subject = "{{ event.payload.project }}: {{ event.payload.outcome }}" if fields else "onetrunk"
        return SendNotification(block_document_id=block, subject=subject, body=f"{{{{ {text} }}}}")

    return call if channel == "webhook" else send
