"""Builds the Socket.IO server: its namespaces, the recovery of sockets, and the delivery of events to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from talkwire.composition.foundation import Foundation
from talkwire.core.clock import now_ms
from talkwire.core.commands.receipts import MarkDelivered
from talkwire.core.domain.model import Actor
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.desk.live_desk import LiveDesk
from talkwire.core.engine.limits import Kind, Limits, address_key
from talkwire.core.engine.listeners import Stage
from talkwire.core.engine.live_notifications import LiveNotifications
from talkwire.core.engine.live_threads import LiveThreads
from talkwire.core.engine.live_unread import LiveUnread
from talkwire.core.engine.log_watches import LogWatches
from talkwire.core.signals.live_polls import LivePolls
from talkwire.core.signals.streams.watches import StreamWatches
from talkwire.dialects.dialect import Dialect
from talkwire.identity.origins import OriginPolicy
from talkwire.realtime.chat.chat_namespace import ChatNamespace, end_socket
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.clients.recovery_token import RecoveryTokenSigner
from talkwire.realtime.delivery.delivery_proofs import DeliveryProofs, recipients_in
from talkwire.realtime.delivery.event_delivery import EventDelivery
from talkwire.realtime.delivery.offline_delivery import OfflineDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.delivery.signal_delivery import SignalDelivery
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import EventRing
from talkwire.realtime.recovery.recovery import Recovery, RecoveryOptions
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.wire import EngineOptions


def socket_server(foundation: Foundation, origins: OriginPolicy, limits: Limits | None) -> SocketServer:
    """Returns the Socket.IO server, to which no namespace has been added yet."""
    settings = foundation.settings
    engine = SocketServer(
        EngineOptions(
            ping_interval_s=settings.ping_interval_s,
            ping_timeout_s=settings.ping_timeout_s,
            max_payload=settings.max_payload,
        ),
        origins=origins,
        trusted_proxies=frozenset(settings.trusted_proxies),
        metrics=RealtimeMetrics(),
        connect_wait_s=None if limits is None else partial(_connect_wait_s, limits),
        sessions_per_address=(settings.sessions_per_address or None) if settings.rate_limits else None,
    )
    # The web client finds Socket.IO beside itself.
    engine.further_path = settings.prefix + engine.path
    engine.hub.expects_more = lambda: foundation.chat.expects_more
    return engine


def recover_sockets(foundation: Foundation, engine: SocketServer, rooms: Rooms, key: bytes) -> Recovery | None:
    """Returns the `Recovery`, which lets a client resume its socket after a short disconnect; None if it is turned off.

    `key` signs the tokens by which the server recognizes a former socket.
    """
    settings, chat = foundation.settings, foundation.chat
    if settings.recovery == "never":
        return None
    retention_ms = None if settings.retention is None else round(settings.retention.total_seconds() * 1000)
    ring = EventRing(chat.pos, lambda: 0 if retention_ms is None else now_ms() - retention_ms)
    recovery = Recovery(
        chat,
        engine,
        ring,
        RecoveryTokenSigner(key),
        RecoveryOptions(
            mode=settings.recovery,
            window_s=settings.recovery_window_s,
            alone=foundation.alone,
            contacts_max=settings.contacts_max,
        ),
        rooms.delay_leaving,
    )
    chat.subscribe(recovery.follow, Stage.REPLAY)
    refreshing = asyncio.create_task(recovery.refresh())
    foundation.closing.callback(refreshing.cancel)
    return recovery


def add_namespaces(root: Dialect, dialects: Sequence[Dialect], services: NamespaceServices) -> None:
    """Adds the namespaces to the Socket.IO server, each with a default dialect (event names and payloads of one client
    kind).

    The default of `/` is `root`; each of `dialects` is the default of its own namespace. In all of them, a client may
    ask for another one of `dialects`.
    """
    spoken = {dialect.namespace: dialect for dialect in dialects} | {"/": root}
    for name, dialect in spoken.items():
        others = [other for other in dialects if other is not dialect]
        services.server.add(name, ChatNamespace(name, [dialect, *others], services))


def deliver_events(foundation: Foundation, engine: SocketServer, rooms: Rooms, offline: OfflineDelivery) -> None:
    """Starts the delivery of events and signals to sockets, and the tasks that depend on it.

    These tasks mark messages as delivered, send users their notifications, counts of unread messages and threads and
    counts of polls, and send events that were kept for offline users.
    """
    chat, closing = foundation.chat, foundation.closing
    delivery = EventDelivery(engine.hub, rooms, chat.directory, end_socket)
    signals = SignalDelivery(engine.hub, chat.directory, lambda: chat.cursor, chat.signals.streams.whole)
    chat.signals.presence.exchange.places.is_watched = signals.is_watched
    chat.signals.streams.readers.append(lambda _, conversation_id: signals.is_followed(conversation_id))
    chat.subscribe(delivery.deliver, Stage.DELIVERY)
    chat.subscribe(signals.deliver, Stage.DELIVERY)
    recipients = partial(recipients_in, engine.hub, chat.directory.memberships)
    arrivals = DeliveryProofs(recipients, partial(_mark_delivered, chat))
    unread_notices = LiveUnread(chat, chat.directory, delivery.deliver)
    polls = LivePolls(signals.deliver)
    thread_notices = LiveThreads(chat, chat.directory, delivery.deliver)
    desk_notices = LiveDesk(chat, chat.directory, delivery.deliver)
    notifier = LiveNotifications(chat, chat.directory, delivery.deliver)
    for follows in (arrivals, unread_notices, thread_notices, desk_notices, notifier, polls, offline):
        chat.subscribe(follows.follow, Stage.AFTER_DELIVERY)
    closing.push_async_callback(unread_notices.close)
    closing.push_async_callback(thread_notices.close)
    closing.push_async_callback(desk_notices.close)
    closing.push_async_callback(notifier.close)
    closing.callback(arrivals.close)
    closing.callback(polls.close)
    closing.callback(offline.close)


def watch_log(chat: Chat, engine: SocketServer) -> LogWatches:
    """Returns the `LogWatches`, in which requests wait on this node for new events of the log (the list of committed
    events).

    All waits end when the node drains, i.e. prepares to stop.
    """
    watches = LogWatches(chat, chat.pos)
    chat.subscribe(watches.follow, needs_all=lambda: len(watches) > 0)
    engine.on_draining.append(watches.drain)
    return watches


def watch_streams(chat: Chat, engine: SocketServer) -> StreamWatches:
    """Returns the `StreamWatches`, in which requests read messages on this node while these are being written. They
    end when the node drains."""
    streams = chat.signals.streams
    watches = StreamWatches(streams.parts_of, streams.copied)
    streams.readers.append(lambda message_id, _: message_id in watches)
    chat.subscribe(watches.follow)
    engine.on_draining += [watches.drain, chat.signals.turns.drain]
    return watches


def _connect_wait_s(limits: Limits, address: str) -> float:
    """Counts a new session in the rate limit of the IP address `address`. Returns 0 if the session may open, else the
    seconds after which the address may open one.
    """
    return limits.take(Kind.CONNECTS, address_key(address), time.monotonic())


def _mark_delivered(chat: Chat, actor: Actor, command: MarkDelivered) -> None:
    """Submits a command that marks messages as delivered and ignores its result, since no client waits for it."""
    chat.submit(actor, command, lambda *_: None)
