"""How a client that was away learns what it missed."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Query, Signal
from talkwire.core.commands.conversations import ConversationView
from talkwire.core.domain.events import Durable
from talkwire.core.domain.model import Presence


class SyncState(msgspec.Struct, frozen=True):
    """What a client begins with: the conversations with the newest messages first, and the cursor from which events
    continue it. `next` goes into `ListConversations` for the further ones, None at the end. `presence` is of the actor
    and their contacts, at about the same time: it is not in the log."""

    conversations: tuple[ConversationView, ...]
    next: str | None
    cursor: str
    presence: tuple[Presence, ...] = ()


class SyncPage(msgspec.Struct, frozen=True):
    """Durable events that the actor may see, in log order. `cursor` is the position that was looked through; `more`:
    there may be further ones now."""

    events: tuple[Durable, ...]
    cursor: str
    more: bool


class GetSyncState(Signal[SyncState], frozen=True, tag="GetSyncState"):
    """Nothing is changed; but presence is asked of this server and not of the database."""

    limit: int = 100


class GetStoredState(Query[SyncState], frozen=True, tag="GetStoredState"):
    """The part of it that is stored."""

    limit: int


class ListEvents(Query[SyncPage], frozen=True, tag="ListEvents"):
    """What happened after a cursor. Refused with `cursor_expired` or `cursor_epoch` where that cannot be told whole."""

    after: str
    limit: int = 100
