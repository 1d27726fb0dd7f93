"""Routes of the operators' console that show the state of the nodes, the bus and the database, the limits, the pushes
and the settings."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec
from litestar import get

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenConsole
from talkwire.api.resources.admin.access import NodesListAnswer, must_read
from talkwire.console.console import BusKind, OperatorsConsole
from talkwire.console.database import DatabaseKind
from talkwire.console.figures import NodeFigures
from talkwire.console.setting import SettingSource
from talkwire.core.commands.server.console import GetPushState, PushState
from talkwire.core.domain.access import must_be_operator
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.times import iso, iso_or_none
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller

State = Literal["ok", "away"]


class NodeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A node (server process) of the cluster and its figures. `loopLagMs` is the longest delay of its event loop in the
    last ten seconds."""

    id: str
    version: str
    host: str
    pid: int
    started_at: str
    draining: bool
    connections: int
    users: int
    loop_lag_ms: float
    cpu_seconds: float
    memory_bytes: int | None
    is_self: bool


class LostNodeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A node that died during the last day: it was not stopped, has not answered since `lastSeenAt`, and has not come
    back. `host` is the name of its machine, null for a node of an older version. `users` were connected to it."""

    id: str
    host: str | None
    last_seen_at: str
    users: int


class BusAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The bus that connects the nodes, as seen by the node that handles the request. The counts of messages begin with
    the start of that node."""

    kind: BusKind
    state: State
    sent: int
    received: int
    dropped: int
    refused: int


class DatabaseAnswer(msgspec.Struct, frozen=True, rename="camel"):
    kind: DatabaseKind
    state: State
    latency_ms: float | None
    size_bytes: int | None


class TotalsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Numbers of rows in the database, counted at most half a minute ago. Erased users and deleted conversations are
    not included; deleted messages are."""

    users: int
    conversations: int
    messages: int


class PerMinuteAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The numbers of messages, commands and refusals on all nodes in the last minute."""

    messages: int
    commands: int
    refusals: int


class OverviewAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The state of the whole server. The nodes in `silentNodes` are alive, but did not answer in time, so the figures
    do not include them. `lostNodes` have died. `totals` is null while the database does not respond, and `lostNodes` is
    empty."""

    version: str
    nodes: tuple[NodeAnswer, ...]
    silent_nodes: tuple[str, ...]
    lost_nodes: tuple[LostNodeAnswer, ...]
    bus: BusAnswer
    database: DatabaseAnswer
    totals: TotalsAnswer | None
    per_minute: PerMinuteAnswer


class LimitAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A limit of the server. With `perSeconds` it is a rate limit: `value` actions are allowed at once, and a limit
    that is used up is full again after that many seconds. Without it, `value` is how many may be open at the same time.
    `refused` is how often the limit was exceeded, on each node since its start, added up."""

    name: str
    value: int
    refused: int
    per_seconds: float | None = None


class RegistrationsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    web: int
    gateway: int


class PushAttemptsAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Counts of the requests to push services since the nodes started, by result. `gone`: the device is not registered
    any more; `refused`: the push can never be sent; `failed`: a later attempt may succeed."""

    sent: int
    gone: int
    refused: int
    failed: int


class PushFailureAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A device to which the last pushes failed. `error` is the last reason; null if no running node has recorded it."""

    id: str
    user_id: str
    kind: Literal["web", "gateway"]
    service: str
    failures: int
    next_attempt_at: str | None
    error: str | None


class PushAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The state of pushes: how many devices are registered, how many wait for a push, the results of attempts, and up
    to 100 devices to which the last pushes failed, the most failures first."""

    registrations: RegistrationsAnswer
    waiting: int
    attempts: PushAttemptsAnswer
    failures: tuple[PushFailureAnswer, ...]
    silent_nodes: tuple[str, ...]


class SettingAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A setting of the node that handles the request. `value` is written as on the command line; null if the setting
    has no value, or is secret. Passwords and other secrets in URLs are replaced by `***`."""

    name: str
    value: str | None
    source: SettingSource
    is_secret: bool


def _node_answer(figures: NodeFigures, own_id: str) -> NodeAnswer:
    return NodeAnswer(
        id=figures.id,
        version=figures.version,
        host=figures.host,
        pid=figures.pid,
        started_at=iso(figures.started_ms),
        draining=figures.draining,
        connections=figures.connections,
        users=figures.users,
        loop_lag_ms=figures.loop_lag_ms,
        cpu_seconds=figures.cpu_seconds,
        memory_bytes=figures.memory_bytes,
        is_self=figures.id == own_id,
    )


@get("/overview", operation_id="getAdminOverview", summary="Get the state of all nodes, the bus and the database")
async def get_overview(caller: GivenCaller, chat: GivenChat, console: GivenConsole) -> OverviewAnswer:
    must_read(caller, chat)
    answers, state, totals, lost = await asyncio.gather(
        console.nodes.figures(), console.database.state(), console.database.totals(), _lost_nodes(console)
    )
    figures = sorted(answers.by_node.values(), key=lambda each: (each.started_ms, each.id))
    bus = console.bus()
    return OverviewAnswer(
        version=answers.by_node[console.nodes.node_id].version,
        nodes=tuple(_node_answer(each, console.nodes.node_id) for each in figures),
        silent_nodes=answers.silent,
        lost_nodes=lost,
        bus=BusAnswer(bus.kind, "away" if bus.away else "ok", bus.sent, bus.received, bus.dropped, bus.refused),
        database=DatabaseAnswer(
            kind=console.database.kind,
            state="ok" if state.answers else "away",
            latency_ms=state.latency_ms,
            size_bytes=None if totals is None else totals.size_bytes,
        ),
        totals=None if totals is None else TotalsAnswer(totals.users, totals.conversations, totals.messages),
        per_minute=PerMinuteAnswer(
            messages=sum(each.messages for each in figures),
            commands=sum(each.commands for each in figures),
            refusals=sum(each.refusals for each in figures),
        ),
    )


async def _lost_nodes(console: OperatorsConsole) -> tuple[LostNodeAnswer, ...]:
    try:
        found = await console.lost_nodes()
    except ChatError:
        return ()
    return tuple(LostNodeAnswer(each.id, each.host, iso(each.seen_ms), each.users) for each in found)


@get("/limits", operation_id="listAdminLimits", summary="List the server's limits, and how often they were exceeded")
async def list_limits(caller: GivenCaller, chat: GivenChat, console: GivenConsole) -> NodesListAnswer[LimitAnswer]:
    must_read(caller, chat)
    limits, silent = await console.nodes.limits()
    items = (
        LimitAnswer(
            each.name, each.value, each.refused, None if each.per_s is None else round(each.value / each.per_s, 3)
        )
        for each in limits
    )
    return NodesListAnswer(tuple(items), None, silent)


async def push_state(
    stored: PushState, _: GetPushState, __: Caller, ___: LimitedChat, console: GivenConsole
) -> PushAnswer:
    figures, silent = await console.nodes.pushes()
    attempts = figures.attempts
    return PushAnswer(
        registrations=RegistrationsAnswer(
            web=stored.registrations.get("web", 0), gateway=stored.registrations.get("gateway", 0)
        ),
        waiting=stored.waiting,
        attempts=PushAttemptsAnswer(
            attempts.get("sent", 0), attempts.get("gone", 0), attempts.get("refused", 0), attempts.get("failed", 0)
        ),
        failures=tuple(
            PushFailureAnswer(
                id=each.id,
                user_id=each.user_id,
                kind="web" if each.kind == "web" else "gateway",
                service=each.service,
                failures=each.failures,
                next_attempt_at=iso_or_none(each.next_ms),
                error=figures.errors.get(each.id),
            )
            for each in stored.failing
        ),
        silent_nodes=silent,
    )


@get("/settings", operation_id="listAdminSettings", summary="List the server's settings, without secrets (role admin)")
async def list_settings(caller: GivenCaller, chat: GivenChat, console: GivenConsole) -> ListAnswer[SettingAnswer]:
    must_be_operator(caller.actor)
    must_read(caller, chat)
    return ListAnswer(tuple(SettingAnswer(*each) for each in console.settings), None)
