"""Commands that store and find what is needed to resume a client's Socket.IO session after its connection broke.

A session is identified by its socket's id, which it keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talkwire.core.commands.command import Change, NodeCommand, Query
from talkwire.core.domain.events import Durable


class EnsureSecret(Change[str], frozen=True, tag="EnsureSecret"):
    """Returns the secret that all nodes share under `name`. Stores `value` as the secret if there is none yet."""

    name: str
    value: str


class KeepSessionRoom(NodeCommand[None], frozen=True, tag="KeepSessionRoom"):
    """Records that the client of the socket `socket_id` has opened a conversation (`opened` True: the socket receives
    the conversation's events) or closed it (False), so that the socket does the same after it resumes.

    `opened` None deletes the record, so that the default of the client's dialect applies again.
    """

    socket_id: str
    conversation_id: str
    opened: bool | None


class MoveSession(NodeCommand[None], frozen=True, tag="MoveSession"):
    """Records that the client's session with the socket `socket_id` has resumed on the node `node_id`, which is not the
    one where the session started."""

    socket_id: str
    node_id: str


class EndSession(NodeCommand[None], frozen=True, tag="EndSession"):
    """Records that the client's session with the socket `socket_id` was ended on purpose and must not be resumed."""

    socket_id: str
    node_id: str


class RefreshSessions(NodeCommand[None], frozen=True, tag="RefreshSessions"):
    """Marks the stored records of the sockets in `socket_ids` as still needed, and deletes all records that have not
    been stored or marked for `keep_ms` milliseconds."""

    socket_ids: tuple[str, ...]
    keep_ms: int


class StoredSession(msgspec.Struct, frozen=True):
    """The stored data of a client's session.

    `node_id` is the session's last node. `age_ms` is how long ago that node was known to be alive, in milliseconds: 0
    if the node still is, None if it is unknown. `ended`: the session was ended on purpose. `rooms`: the conversations
    that the session has opened (True) or closed (False) explicitly.
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
    """Returns whether the actor's events after the log position `after` can be sent to a client again: they are still
    stored, and their number is at most `most`."""

    after: int
    most: int


class ListMissed(Query[MissedEvents], frozen=True, tag="ListMissed"):
    """Returns a page of the actor's events after the log position `after` and up to `until`, including profile changes
    of contacts.

    Contacts share a direct conversation or a group of at most `members_max` members. Raises `cursor_expired` if the log
    does not reach back that far.
    """

    after: int
    until: int
    members_max: int = 0
