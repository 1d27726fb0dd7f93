"""Commands with which a client loads its state and catches up on events."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Query, Signal
from talkwire.core.commands.conversations import ConversationView
from talkwire.core.domain.events import Durable
from talkwire.core.domain.model import Presence


class SyncState(msgspec.Struct, frozen=True):
    """The initial state of a client: the conversations with the newest messages, and the cursor from which events
    continue.

    `next` is the cursor for `ListConversations` to load more conversations, None at the end. `presence` is that of the
    actor and their contacts at about the same time; it is not part of the log.
    """

    conversations: tuple[ConversationView, ...]
    next: str | None
    cursor: str
    presence: tuple[Presence, ...] = ()


class SyncPage(msgspec.Struct, frozen=True):
    """Durable events that the actor may see, in log order.

    `cursor` is the position up to which the log was searched; `more`: there may be further events now.
    """

    events: tuple[Durable, ...]
    cursor: str
    more: bool


class GetSyncState(Signal[SyncState], frozen=True, tag="GetSyncState"):
    """Returns the actor's initial state. A signal and not a query, because presence is not read from the database."""

    limit: int = 100


class GetStoredState(Query[SyncState], frozen=True, tag="GetStoredState"):
    """Returns the initial state without presence."""

    limit: int


class ListEvents(Query[SyncPage], frozen=True, tag="ListEvents"):
    """Lists events after a cursor.

    Raises `cursor_expired` or `cursor_epoch` if the events since then are not complete any more.
    """

    after: str
    limit: int = 100
