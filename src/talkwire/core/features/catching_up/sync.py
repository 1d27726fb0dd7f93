"""Sync: a client's state as of a cursor, and the durable events after it that the user may see.

A cursor is `epoch-position`. The state at any cursor, with the events after it applied, is the current state.

The reader's memberships now, not as of the cursor, decide what an event shows. So a cursor grants no access and needs
no signature (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import msgspec

from talkwire.core.commands.conversations import ListConversations
from talkwire.core.commands.sync import GetStoredState, ListEvents, SyncPage, SyncState, cursor_of
from talkwire.core.domain.audience import events_for_user
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import Durable
from talkwire.core.domain.model import Actor, HistoryStart
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.domain.texts import check_text
from talkwire.core.features.conversations.conversations import list_conversations
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

_encode = msgspec.json.Encoder().encode


def position_of(cursor: str, epoch: str) -> int:
    """Returns the log position of a cursor.

    Raises `cursor_epoch` for a cursor of a log that was replaced, for example by a restored backup, and
    `invalid_request` for text that is no cursor.
    """
    check_text("after", cursor)
    of_epoch, _, digits = cursor.rpartition("-")
    if not of_epoch or not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise invalid("after", "is not a cursor")
    if of_epoch != epoch:
        raise ChatError("cursor_epoch", "The server's log was replaced. Reload everything.")
    return int(digits)


def get_stored_state(snapshot: Snapshot, actor: Actor, query: GetStoredState) -> SyncState:
    """Returns a client's initial state without presence."""
    _must_be_user(actor)
    epoch, pos = snapshot.head()
    page = list_conversations(snapshot, actor, ListConversations(None, query.limit))
    return SyncState(page.items, page.next, cursor_of(epoch, pos))


def list_events(snapshot: Snapshot, actor: Actor, query: ListEvents) -> SyncPage:
    """Returns the next page of events. A page may be empty and still have a next page."""
    _must_be_user(actor)
    epoch, head = snapshot.head()
    after = position_of(query.after, epoch)
    if after > head:
        raise invalid("after", "must not be in the future")
    if after < snapshot.sync.floor():
        raise ChatError("cursor_expired", "The events since this cursor are no longer stored. Reload everything.")
    limit = max(1, min(query.limit, PAGE_MAX))
    page, more = first_page(snapshot.sync.events_of(actor.user_id, after, limit + 1), limit)
    events = tuple(events_for_user(page, actor.user_id))
    pos = page[-1][0].pos if more else head
    return SyncPage(events, cursor_of(epoch, pos), more)


def _must_be_user(actor: Actor) -> None:
    """Raises `forbidden` for the application's backend and admins: they would miss all conversations that they are not
    members of."""
    if actor.is_trusted:
        raise ChatError(
            "forbidden", "sync is for users. The application's backend and admins read all events: GET /api/v1/events."
        )


def first_page(
    found: Sequence[tuple[Durable, HistoryStart]], limit: int
) -> tuple[Sequence[tuple[Durable, HistoryStart]], bool]:
    """Returns the events that fit into a page, at most `limit`, and whether `found` has more."""
    page = within_bytes(found[:limit], lambda each: len(_encode(each[0])))
    return page, len(page) < len(found)


QUERIES: Queries = MappingProxyType({GetStoredState: get_stored_state, ListEvents: list_events})
