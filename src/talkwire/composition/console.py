"""Builds the objects that supply the operators' console with figures, connections and refusals of all nodes."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

from talkwire.composition.foundation import Foundation
from talkwire.console.console import BusFigures, BusKind, OperatorsConsole
from talkwire.console.database import DatabaseWatch
from talkwire.console.figures import DoneWork, LimitCount, NodeReporter, NodeSources, PushFigures
from talkwire.console.nodes import NodesConsole
from talkwire.core.commands.server.console import GetTotals, ListLostNodes
from talkwire.core.domain.actors import NODE
from talkwire.core.engine.limits import Limits
from talkwire.observability.refusals import recent_refusals
from talkwire.push.push_metrics import PushMetrics
from talkwire.realtime.chat.chat_namespace import end_for_operator
from talkwire.realtime.clients.connected_sockets import ConnectedSockets
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.settings.shown import shown_settings


def start_console(
    foundation: Foundation, engine: SocketServer, limits: Limits | None, pushes: PushMetrics
) -> OperatorsConsole:
    """Returns the source of all data that the operators' console shows. Starts the task that regularly samples this
    node's counts of messages, commands and refusals, from which the console shows those of the last minute.

    `pushes` has the counts of push requests.
    """
    chat, counts = foundation.chat, foundation.counts
    sockets = ConnectedSockets(engine, chat.node_id, end_for_operator)
    sources = NodeSources(
        version=version("talkwire"),
        draining=lambda: engine.draining,
        users=lambda: chat.directory.held_count - chat.signals.turns.users_without_socket,
        loop_lag_s=lambda: counts.loop_lag.recent_s,
        done=lambda: DoneWork(counts.committed.messages, counts.outcomes.total, recent_refusals.total),
        limits=lambda: _limits(foundation, engine.metrics, limits),
        pushes=lambda: PushFigures({str(outcome): n for outcome, n in pushes.counts.items()}, dict(pushes.errors)),
    )
    reporter = NodeReporter(chat.node_id, sources, lambda: sockets.count)
    foundation.closing.callback(asyncio.create_task(reporter.minute.run()).cancel)
    return OperatorsConsole(
        NodesConsole(chat.peers, reporter, sockets, recent_refusals),
        DatabaseWatch(
            "sqlite" if foundation.alone else "postgresql", chat.check, lambda: chat.execute(NODE, GetTotals())
        ),
        lambda: chat.execute(NODE, ListLostNodes()),
        lambda: _bus_figures(foundation),
        shown_settings(foundation.settings),
    )


def _bus_figures(foundation: Foundation) -> BusFigures:
    bus = foundation.chat.bus
    counts = bus.counts
    kind = _bus_kind(foundation)
    return BusFigures(kind, bus.is_disconnected, counts.sent, counts.received, counts.dropped, counts.refused)


def _bus_kind(foundation: Foundation) -> BusKind:
    """Returns the kind of bus that connects the nodes: `postgresql` or `redis`; `none` if this node is the only one."""
    if foundation.alone:
        return "none"
    return "postgresql" if foundation.settings.redis is None else "redis"


def _limits(foundation: Foundation, metrics: RealtimeMetrics, limits: Limits | None) -> tuple[LimitCount, ...]:
    """Returns each limit of this node: its setting's name, its value, and how often it was exceeded since the node's
    start.

    Returns an empty tuple if limits are turned off.
    """
    if limits is None:
        return ()
    settings = foundation.settings
    of_rates = [
        LimitCount(str(kind), rate.burst, limits.exceeded[kind], rate.per_s) for kind, rate in limits.rates.items()
    ]
    of_connections = [
        LimitCount(name, value, refused)
        for name, value, refused in (
            ("connections_per_address", settings.connections_per_address, metrics.http_closed["address_limit"]),
            ("idle_connections_per_address", settings.idle_connections_per_address, metrics.http_closed["idle_limit"]),
            ("sessions_per_address", settings.sessions_per_address, metrics.http_closed["session_limit"]),
            ("sockets_per_user", settings.sockets_per_user, metrics.crowded),
        )
        if value
    ]
    return (*of_rates, *of_connections)
