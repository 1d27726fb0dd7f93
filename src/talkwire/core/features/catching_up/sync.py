"""Sync: returns a client's initial state with a cursor, and the stored events after a cursor that the user may see.

The state at any cursor (`core/domain/log/cursors.py`), with the events after it applied, is the current state.

What an event shows depends on the reader's memberships now, not at the time of the cursor. So a cursor grants no access
and needs no signature (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType

import msgspec

from talkwire.core.commands.conversations import ListConversations
from talkwire.core.commands.sync import GetStoredState, ListStoredEvents, SyncPage, SyncState
from talkwire.core.domain.audience import DependsOnTeams, Reader, audience_of, events_for_reader
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import Durable, MessagesDelivered, MessagesRead
from talkwire.core.domain.log.cursors import CursorEntry, cursor_of, parse_cursor
from talkwire.core.domain.model import WHOLE, Actor, HistoryStart
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.domain.texts import check_text
from talkwire.core.features.conversations.lists import own_conversations
from talkwire.core.features.messages.reading import shares_reads
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

_encode = msgspec.json.Encoder().encode


def entries_of(cursor: str) -> Sequence[CursorEntry]:
    """Returns the entries of a cursor. Raises `invalid_request` for text that is no cursor."""
    check_text("after", cursor)
    entries = parse_cursor(cursor)
    if entries is None or any(entry.counter is not None for entry in entries):
        raise invalid("after", "is not a cursor")
    return entries


def position_in(entries: Sequence[CursorEntry], epoch: str) -> int:
    """Returns the position that a cursor has in the log with the epoch `epoch`. Raises `cursor_epoch` if it has none:
    it belongs to a log that was replaced, for example by a restored backup."""
    for entry in entries:
        if entry.epoch == epoch:
            return entry.pos
    raise ChatError("cursor_epoch", "The server's log was replaced. Reload everything.")


def get_stored_state(snapshot: Snapshot, actor: Actor, query: GetStoredState) -> SyncState:
    """Returns a client's initial state: the first page of the user's conversations, and the cursor from which to
    continue. Presence, which is not stored, is added by the caller. Raises `forbidden` for the application's backend
    and admins."""
    _must_be_user(actor)
    epoch, pos = snapshot.head()
    page = own_conversations(snapshot, actor, ListConversations(None, query.limit))
    return SyncState(page.items, page.next, cursor_of(epoch, pos))


def list_events(snapshot: Snapshot, actor: Actor, query: ListStoredEvents) -> SyncPage:
    """Returns the next page of the events after a cursor that concern the actor. A page may be empty and still have a
    next page.

    Raises `cursor_expired` if events after the cursor were deleted, `cursor_epoch` if the cursor belongs to a log that
    was replaced, `invalid_request` for text that is no cursor, and `forbidden` for the application's backend and
    admins.
    """
    _must_be_user(actor)
    epoch, head = snapshot.head()
    entries = entries_of(query.after)
    after = position_in(entries, epoch)
    if after > head:
        raise invalid("after", "must not be in the future")
    if after < snapshot.sync.floor():
        raise ChatError("cursor_expired", "The events since this cursor are no longer stored. Reload everything.")
    limit = max(1, min(query.limit, PAGE_MAX))
    page, more = first_page(missed_by(snapshot, actor.user_id, after, limit + 1, query.members_max), limit)
    events = tuple(seen_by(snapshot, actor.user_id, page))
    pos = page[-1][0].pos if more else head
    return SyncPage(events, cursor_of(epoch, pos, entries), more)


def missed_by(
    snapshot: Snapshot, user_id: str, after: int, limit: int, members_max: int
) -> Sequence[tuple[Durable, HistoryStart]]:
    """Returns the first `limit` events after the log position `after` that concern a user: the user's own, those of the
    user's conversations, and changed profiles of contacts. Each comes with the point from which the user sees the
    event's conversation.

    Contacts share a direct conversation with the user, or a group of at most `members_max` members.
    """
    found = snapshot.sync.events_of(user_id, after, limit)
    profile_changes = snapshot.sync.profile_changes_of_contacts(user_id, members_max, after, limit)
    if not profile_changes:
        return found
    return sorted([*found, *((event, WHOLE) for event in profile_changes)], key=lambda each: each[0].pos)[:limit]


def seen_by(snapshot: Snapshot, user_id: str, found: Sequence[tuple[Durable, HistoryStart]]) -> Iterator[Durable]:
    """Yields the events that `missed_by` found, each in the version that the user may see. Leaves out events that the
    user may not see."""
    histories = {audience_of(event).conversation_id or "": history for event, history in found if history != WHOLE}
    reader = Reader(user_id, histories)
    if any(isinstance(event, MessagesRead | MessagesDelivered) for event, _ in found):
        sees_reads = shares_reads(snapshot.user(user_id))
        reader = reader._replace(sees_reads=sees_reads, blocker_ids=snapshot.blockers_of(user_id))
    if any(isinstance(event, DependsOnTeams) for event, _ in found):
        reader = reader._replace(staffed_ids=snapshot.staffed_by(user_id))
    return events_for_reader((event for event, _ in found), reader)


def _must_be_user(actor: Actor) -> None:
    """Raises `forbidden` for the application's backend and admins, because sync would not show them the conversations
    that they are not members of."""
    if actor.is_trusted:
        raise ChatError(
            "forbidden",
            "sync is for users. The application's backend and admins read all events: GET /api/v1/events.",
            cause="users_only",
        )


def first_page(
    found: Sequence[tuple[Durable, HistoryStart]], limit: int
) -> tuple[Sequence[tuple[Durable, HistoryStart]], bool]:
    """Returns the first page of `found`, with at most `limit` events and at most `PAGE_MAX_BYTES` of JSON, and whether
    `found` has more events."""
    page = within_bytes(found[:limit], lambda each: len(_encode(each[0])))
    return page, len(page) < len(found)


QUERIES: Queries = MappingProxyType({GetStoredState: get_stored_state, ListStoredEvents: list_events})
