"""Commands with which a client loads its state and catches up on events."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Query, Signal
from talkwire.core.commands.conversations import ConversationView
from talkwire.core.domain.audience import conversation_of
from talkwire.core.domain.events import Durable, MessageSent, StreamStateChanged
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.model import Presence
from talkwire.core.domain.parts.finished import finished_version


class SyncState(msgspec.Struct, frozen=True):
    """The initial state of a client: the conversations with the newest messages, and the cursor after which the client
    asks for events.

    `next` is the cursor for `ListConversations` to load more conversations, None at the end. `presence` is that of the
    actor and their contacts at about the same time; it is not part of the log.
    """

    conversations: tuple[ConversationView, ...]
    next: str | None
    cursor: str
    presence: tuple[Presence, ...] = ()


class SyncPage(msgspec.Struct, frozen=True):
    """One page of the log's events that the actor may see, in log order.

    `cursor` is the position up to which the log was searched, to continue after. `more` says that there may be further
    events now. `presence` is that of the actor and their contacts, None if it was not requested; it is not part of the
    log.
    """

    events: tuple[Durable, ...]
    cursor: str
    more: bool
    presence: tuple[Presence, ...] | None = None


class GetSyncState(Signal[SyncState], frozen=True, tag="GetSyncState"):
    """Returns the actor's initial state: conversations, presence and a cursor. The command is a Signal and not a Query,
    because presence is not read from the database."""

    limit: int = 100


class GetStoredState(Query[SyncState], frozen=True, tag="GetStoredState"):
    """Internal: returns the part of a client's initial state that is in the database, which is all but presence.
    Clients' `GetSyncState` uses it."""

    limit: int


class ListEvents(Signal[SyncPage], frozen=True, tag="ListEvents"):
    """Lists the events that the actor may see after a cursor. The command is a Signal and not a Query, because presence
    is not read from the database.

    Raises `cursor_expired` or `cursor_epoch` if some of the events after the cursor are no longer stored.
    """

    after: str
    limit: int = 100
    presence: bool = False
    """Whether the presence of contacts is included."""


class ListStoredEvents(Query[SyncPage], frozen=True, tag="ListStoredEvents"):
    """Internal: lists the events that the actor may see after a cursor, without presence, for `ListEvents`. Members of
    a group are contacts of each other if it has at most `members_max` members."""

    after: str
    limit: int
    members_max: int


class LogFilter(msgspec.Struct, frozen=True):
    """Selects events of the log by the names of their classes (`types`) and by conversation. None selects all. With
    `final`, a message that is written while others read it is new at its first end (`finished_version`)."""

    types: frozenset[str] | None = None
    conversation_ids: frozenset[str] | None = None
    final: bool = False

    @property
    def stored_types(self) -> frozenset[str] | None:
        """The types in the log among which are all events that the filter selects; None for all types."""
        if self.final and self.types is not None and MessageSent.__name__ in self.types:
            return self.types | {StreamStateChanged.__name__}
        return self.types

    def version_of(self, event: Durable) -> Durable | None:
        """Returns an event as the filter's readers receive it; None if the filter does not select it."""
        seen = finished_version(event) if self.final else event
        if seen is None or (self.types is not None and type(seen).__name__ not in self.types):
            return None
        return seen if self.conversation_ids is None or conversation_of(seen) in self.conversation_ids else None

    def matches(self, event: Durable) -> bool:
        return self.version_of(event) is not None


class LogPage(msgspec.Struct, frozen=True):
    """One page of the log's events, in log order. `epoch` names the history of the log to which the positions belong,
    `pos` is the position up to which the log was searched, and `more` says that there are positions after it."""

    events: tuple[Durable, ...]
    epoch: str
    pos: int
    more: bool

    @property
    def cursor(self) -> str:
        return cursor_of(self.epoch, self.pos)


class ListLogEvents(Query[LogPage], frozen=True, tag="ListLogEvents"):
    """Lists the events of the whole log after a cursor, for the application's backend and admins.

    `after` is a cursor, `start` for the oldest event that is still stored, or None for the end of the log. `types`
    (names of event classes), `conversation_ids` and `final` select events, as in `LogFilter`. A page may be empty and
    still have a next page, because each query searches a limited part of the log.

    Raises `cursor_expired` or `cursor_epoch`, both with the oldest cursor as `details.oldest`, if events after the
    cursor are no longer stored or the cursor belongs to another log.
    """

    after: str | None = None
    limit: int = 100
    types: frozenset[str] | None = None
    conversation_ids: frozenset[str] | None = None
    final: bool = False

    @property
    def filter(self) -> LogFilter:
        return LogFilter(self.types, self.conversation_ids, self.final)
