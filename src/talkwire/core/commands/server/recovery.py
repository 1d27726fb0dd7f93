"""Commands that store and find what is needed to resume a client's Socket.IO session after its connection broke.

A session is identified by its socket's id, which it keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talkwire.core.commands.command import Change, NodeCommand, Query
from talkwire.core.domain.events import Durable


class EnsureSecret(Change[str], frozen=True, tag="EnsureSecret"):
    """Returns the secret stored under `name`; stores and returns `value` if there is none."""

    name: str
    value: str


class KeepSessionRoom(NodeCommand[None], frozen=True, tag="KeepSessionRoom"):
    """Records that a session has opened (True) or closed (False) a conversation, i.e. whether it receives the
    conversation's events.

    `opened` None deletes the record, so that the default of the session's dialect (the client's protocol) applies
    again.
    """

    socket_id: str
    conversation_id: str
    opened: bool | None


class MoveSession(NodeCommand[None], frozen=True, tag="MoveSession"):
    """Records that a client's session has resumed on the node `node_id`, which is not the one where it started."""

    socket_id: str
    node_id: str


class EndSession(NodeCommand[None], frozen=True, tag="EndSession"):
    """Records that a client's session was ended on purpose and must not be resumed."""

    socket_id: str
    node_id: str


class RefreshSessions(NodeCommand[None], frozen=True, tag="RefreshSessions"):
    """Marks the records of the sessions in `socket_ids` as still needed, and deletes records that were not marked for
    `keep_ms` milliseconds."""

    socket_ids: tuple[str, ...]
    keep_ms: int


class StoredSession(msgspec.Struct, frozen=True):
    """The stored data of a client's session.

    `node_id` is its last node. `age_ms` is how long ago that node was known to be alive, in milliseconds: 0 if it still
    is, None if the node is unknown. `ended`: the session was ended on purpose. `rooms`: the conversations that it has
    opened (True) or closed (False) explicitly.
    """

    node_id: str
    age_ms: int | None
    ended: bool
    rooms: Mapping[str, bool]


class FindSession(Query[StoredSession], frozen=True, tag="FindSession"):
    """Returns what is stored about the session of the socket `socket_id`, which began on the node `node_id`."""

    socket_id: str
    node_id: str


class MissedEvents(msgspec.Struct, frozen=True):
    """A page of the events that a user missed while disconnected, in the versions that the user may see now. The log of
    events was searched up to position `pos`."""

    events: tuple[Durable, ...]
    pos: int


class CountMissed(Query[bool], frozen=True, tag="CountMissed"):
    """Returns whether the events after the log position `after` can be sent to a client again: they are still stored,
    and there are at most `most`."""

    after: int
    most: int


class ListMissed(Query[MissedEvents], frozen=True, tag="ListMissed"):
    """Lists the actor's events between two log positions, including profile changes of contacts.

    Contacts share a direct conversation or a group of at most `members_max` members. Raises `cursor_expired` if the log
    does not reach back that far.
    """

    after: int
    until: int
    members_max: int = 0
