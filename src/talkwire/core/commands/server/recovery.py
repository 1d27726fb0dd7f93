"""What is stored and asked so that a session can go on after its connection broke.

A recoverable session is named by its socket's id, which it keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talkwire.core.commands.command import Change, NodeCommand, Query
from talkwire.core.domain.events import Durable


class EnsureSecret(Change[str], frozen=True, tag="EnsureSecret"):
    """Answers the stored secret of this name. Without one, `value` is stored."""

    name: str
    value: str


class KeepSessionRoom(NodeCommand[None], frozen=True, tag="KeepSessionRoom"):
    """A session has opened or closed a conversation itself; with None it is as its dialect has it again."""

    socket_id: str
    conversation_id: str
    opened: bool | None


class MoveSession(NodeCommand[None], frozen=True, tag="MoveSession"):
    """A session goes on at another node than the one where it began."""

    socket_id: str
    node_id: str


class EndSession(NodeCommand[None], frozen=True, tag="EndSession"):
    """A session was ended on purpose: it is not to be gone on with."""

    socket_id: str
    node_id: str


class RefreshSessions(NodeCommand[None], frozen=True, tag="RefreshSessions"):
    """What is stored of these sessions is still needed; what is stored of others, and was not needed for `keep_ms`, is
    forgotten."""

    socket_ids: tuple[str, ...]
    keep_ms: int


class StoredSession(msgspec.Struct, frozen=True):
    """What the tables say of a session. `node_id`: where it was last; `age_ms`: how long ago that node was known to be
    alive (0: it is taken to be), None when it is not known any more; `ended`: on purpose. `rooms`: the conversations
    that it opened itself (True) or closed."""

    node_id: str
    age_ms: int | None
    ended: bool
    rooms: Mapping[str, bool]


class FindSession(Query[StoredSession], frozen=True, tag="FindSession"):
    """A session that began at `node_id`."""

    socket_id: str
    node_id: str


class MissedEvents(msgspec.Struct, frozen=True):
    """A page of what the log has for a user, as they may see it now. Everything up to `pos` was looked through."""

    events: tuple[Durable, ...]
    pos: int


class CountMissed(Query[bool], frozen=True, tag="CountMissed"):
    """Whether all that happened after a position can still be told: it is in the log, and at most `most` events."""

    after: int
    most: int


class ListMissed(Query[MissedEvents], frozen=True, tag="ListMissed"):
    """What happened after one position and up to another that was for the actor, or changed how one of their contacts
    looks: who share a direct conversation or a group of at most `members_max`. Refused with `cursor_expired` when the
    log does not reach back so far."""

    after: int
    until: int
    members_max: int = 0
