"""The payload of a search for messages or offers, which events and REST share."""

from __future__ import annotations

from typing import TypeVar

from talkwire.core.commands.search import SearchMessages, SearchOffers
from talkwire.core.domain.times import bound_ms_of
from talkwire.payloads.payload import Payload

SearchCommand = TypeVar("SearchCommand", SearchMessages, SearchOffers)


class SearchMessagesPayload(Payload, frozen=True):
    """A search for messages or offers: the words to find (`q`), and optional restrictions to a conversation, a sender
    and a time. Its members mean the same as in `GET /api/v1/search`."""

    q: str
    conversation_id: str | None = None
    sender_id: str | None = None
    before: str | None = None
    after: str | None = None
    cursor: str | None = None
    limit: int = 50


def search_command(search: type[SearchCommand], payload: SearchMessagesPayload) -> SearchCommand:
    """Returns the search command for the members of a socket's event or a REST request. Raises `invalid_request` if
    `before` or `after` is not a valid time."""
    return search(
        payload.q,
        payload.conversation_id,
        payload.sender_id,
        None if payload.before is None else bound_ms_of("before", payload.before),
        None if payload.after is None else bound_ms_of("after", payload.after),
        payload.cursor,
        payload.limit,
    )
