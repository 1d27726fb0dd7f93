"""Catching up: the state as of a cursor, and every durable event after one that a user may see.

A cursor is `epoch-position`. The property that holds all together: the state at any cursor, with the events after it
applied, is the state now.

What an event shows is decided by the reader's memberships now and not as of the cursor, so a cursor gives no rights and
needs no signature (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import msgspec

from talkwire.core.commands.conversations import ListConversations
from talkwire.core.commands.sync import GetStoredState, ListEvents, SyncPage, SyncState
from talkwire.core.domain.audience import event_as_seen
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import Durable
from talkwire.core.domain.model import Actor, HistoryStart
from talkwire.core.domain.pages import PAGE_MAX, PAGE_MAX_BYTES
from talkwire.core.domain.texts import check_text
from talkwire.core.features.conversations.conversations import list_conversations
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

_encoder = msgspec.json.Encoder()


def cursor_of(epoch: str, pos: int) -> str:
    return f"{epoch}-{pos}"


def position_of(cursor: str, epoch: str) -> int:
    """The position that a cursor names. Raises `cursor_epoch` for one of a database that was replaced by a backup, and
    `invalid_request` for what is none."""
    check_text("after", cursor)
    of_epoch, _, digits = cursor.rpartition("-")
    if not of_epoch or not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise invalid("after", "is not a cursor")
    if of_epoch != epoch:
        raise ChatError("cursor_epoch", "The server's history is another one now. Load everything afresh.")
    return int(digits)


def get_stored_state(snapshot: Snapshot, actor: Actor, query: GetStoredState) -> SyncState:
    """Where a client begins, as far as it is stored."""
    epoch, pos = snapshot.head()
    page = list_conversations(snapshot, actor, ListConversations(None, query.limit))
    return SyncState(page.items, page.next, cursor_of(epoch, pos))


def list_events(snapshot: Snapshot, actor: Actor, query: ListEvents) -> SyncPage:
    """The next page of what happened. A page may be empty and still have more behind it."""
    epoch, head = snapshot.head()
    after = position_of(query.after, epoch)
    if after > head:
        raise invalid("after", "lies in the future")
    if after < snapshot.sync.floor():
        raise ChatError("cursor_expired", "What happened since then is not kept any more. Load everything afresh.")
    limit = max(1, min(query.limit, PAGE_MAX))
    found = within_bytes(snapshot.sync.events_of(actor.user_id, after, limit + 1), limit)
    looked_through, more = found
    user_id = actor.user_id
    seen = (event_as_seen(event, user_id, history) for event, history in looked_through)
    events = tuple(event for event in seen if event is not None)
    pos = looked_through[-1][0].pos if more else head
    return SyncPage(events, cursor_of(epoch, pos), more)


def within_bytes(
    found: Sequence[tuple[Durable, HistoryStart]], limit: int
) -> tuple[Sequence[tuple[Durable, HistoryStart]], bool]:
    """As many from the front as fit a page, one at least, and whether there are more."""
    size = 0
    for index, (event, _) in enumerate(found[:limit]):
        size += len(_encoder.encode(event))
        if size > PAGE_MAX_BYTES and index:
            return found[:index], True
    return found[:limit], len(found) > limit


QUERIES: Queries = MappingProxyType({GetStoredState: get_stored_state, ListEvents: list_events})
