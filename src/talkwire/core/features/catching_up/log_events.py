"""Reads the whole log (the ordered record of events) page by page, for systems outside of the chat: the event stream
and webhooks.

The cost of a page depends neither on its place in the log nor on what the filter leaves out: each query searches at
most `SEARCHED_POSITIONS_MAX` positions.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from talkwire.core.commands.sync import ListLogEvents, LogPage
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.model import Actor
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.features.catching_up.sync import entries_of, position_in
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

OLDEST_CURSOR = "start"
"""Stand-in for the cursor of the oldest event that is kept."""

SEARCHED_POSITIONS_MAX = 10_000
"""Most log positions that a query searches."""

_encode = msgspec.json.Encoder().encode


def list_log_events(snapshot: Snapshot, actor: Actor, query: ListLogEvents) -> LogPage:
    """Returns the next page of the log's events that match a filter, and the position up to which the log was searched.
    A page may be empty although the log has more events. Raises `forbidden` unless the actor is the application's
    backend or an admin."""
    must_be_trusted(actor)
    epoch, head = snapshot.head()
    floor = snapshot.sync.floor()
    after = head if query.after is None else start_position(query.after, epoch, floor)
    if after > head:
        raise invalid("after", "must not be in the future")
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.sync.log_window(query.filter, after, min(head, after + SEARCHED_POSITIONS_MAX), limit)
    page = within_bytes(found.events, lambda event: len(_encode(event)))
    reached = found.reached if len(page) == len(found.events) else page[-1].pos
    return LogPage(tuple(page), epoch, reached, reached < head)


def start_position(after: str, epoch: str, floor: int) -> int:
    """Returns the position in the log (the ordered record of events) from a client's cursor; for the text `start`, the
    position before the oldest stored event.

    `floor` is the position up to which events have been deleted. Raises `cursor_expired` if the events after the cursor
    were deleted, and `cursor_epoch` if the cursor belongs to a log that was replaced, both with the oldest valid cursor
    as `details.oldest`; `invalid_request` for text that is no cursor.
    """
    if after == OLDEST_CURSOR:
        return floor
    try:
        pos = position_in(entries_of(after), epoch)
    except ChatError as error:
        if error.code == "invalid_request":
            raise invalid("after", f'must be a cursor, or "{OLDEST_CURSOR}" for the oldest event') from None
        if error.code != "cursor_epoch":
            raise
        raise ChatError(error.code, error.message, {"oldest": cursor_of(epoch, floor)}) from None
    if pos < floor:
        message = "The events since this cursor are no longer stored. Reload everything."
        raise ChatError("cursor_expired", message, {"oldest": cursor_of(epoch, floor)})
    return pos


QUERIES: Queries = MappingProxyType({ListLogEvents: list_log_events})
