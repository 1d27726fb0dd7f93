"""Builds and starts the tasks that process the log (the ordered list of committed events) after the commit.

They are the followers (tasks that process every event from a stored position, such as the search index), the timers
that end price offers, bans and mutes, the deletion of old messages and events (retention), and the index of
conversations' metadata.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from talkwire.composition.foundation import Foundation
from talkwire.core.clock import now_ms
from talkwire.core.domain.events import News, moves_log
from talkwire.core.engine.housekeeping import index_conversation_keys, prune, prune_conversations
from talkwire.core.engine.timers import TimerLoop
from talkwire.observability.timer_metrics import TimerMetrics
from talkwire.realtime.clients.connected_elsewhere import ConnectedElsewhere
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower, FollowerWork
from talkwire.storage.followers.offline_notifications import OfflineNotifications
from talkwire.storage.followers.pace import EVENTS_GATHER_S, Pace
from talkwire.storage.followers.statistics import YoungStatistics
from talkwire.storage.messages.retention import DeletedConversations
from talkwire.storage.messages.search import MessageIndex
from talkwire.storage.notifying.pushes import PushDevice

UNHURRIED_GATHER_S = 2.0
"""Seconds for which a follower of the log for whose work nobody waits collects further events."""


def follow_log(
    foundation: Foundation, is_device_here: Callable[[PushDevice], bool], wake_pushes: Callable[[], None]
) -> list[Follower[Any]]:
    """Starts and returns the followers: tasks that process the log's events after the commit, each from a stored
    position.

    `wake_pushes` is called when a follower has stored push notifications. No push is stored for a device for which
    `is_device_here` returns True, since the device has a socket on this node.
    """
    chat, database, writer = foundation.chat, foundation.database, foundation.writer
    elsewhere = ConnectedElsewhere(chat.peers, chat.directory)
    notifications = OfflineNotifications(
        chat.directory.is_connected_since,
        now_ms,
        None if foundation.alone else chat.node_id,
        is_device_here,
        elsewhere.ask,
    )
    works: list[tuple[FollowerWork[Any], float]] = [
        (MessageIndex(database.writing.dialect), EVENTS_GATHER_S),
        (notifications, EVENTS_GATHER_S),
        (DeletedConversations(now_ms), UNHURRIED_GATHER_S),
    ]
    works += [] if foundation.alone else [(YoungStatistics(), UNHURRIED_GATHER_S)]
    followers = [
        Follower(work, reading_engine(database.url, 1), writer.transact, now_ms, Pace(lambda: writer.busy, gather_s))
        for work, gather_s in works
    ]

    def wake(events: Sequence[News]) -> None:
        if moves_log(events[-1]):
            for follower in followers:
                follower.wake()

    chat.subscribe(wake)
    for follower in followers:
        if follower.work is notifications:
            follower.on_stored = lambda prepared: wake_pushes() if prepared.has_pushes else None
        follower.start()
        foundation.closing.push_async_callback(asyncio.to_thread, follower.close)
    return followers


def fire_timers(foundation: Foundation) -> TimerMetrics:
    """Starts the task that fires timers: it ends price offers, bans and mutes when their time is over. Returns its
    metrics."""
    peers = foundation.chat.peers
    timers = TimerLoop(foundation.chat, lambda: peers.has_peers)
    metrics = TimerMetrics(lambda: timers.overdue_s)
    timers.on_fired, timers.on_failed = metrics.fired, metrics.failed
    overdue = foundation.chat.signals.streams.overdue
    timers.is_asked, timers.on_asked = (lambda: overdue.are_asked_about), overdue.end
    foundation.chat.on_timer_set = timers.expect
    foundation.closing.callback(asyncio.create_task(timers.run()).cancel)
    return metrics


def index_keys(foundation: Foundation) -> None:
    """Starts the task that indexes existing conversations by the keys of the setting `conversation_keys`."""
    indexing = index_conversation_keys(foundation.chat, has_keys=bool(foundation.chat.policy.conversation_keys))
    foundation.closing.callback(asyncio.create_task(indexing).cancel)


def apply_retention(foundation: Foundation) -> None:
    """Starts the task that deletes messages and log events older than the setting `retention`, if it is set.

    Also starts the task that deletes messages of conversations with a retention of their own.
    """
    chat, retention, closing = foundation.chat, foundation.settings.retention, foundation.closing
    closing.callback(asyncio.create_task(prune_conversations(chat, retention)).cancel)
    if retention is not None:
        closing.callback(asyncio.create_task(prune(chat, retention)).cancel)
