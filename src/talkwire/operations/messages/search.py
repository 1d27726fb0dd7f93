"""The operations that search messages and offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from talkwire.core.commands.search import SearchMessages, SearchOffers
from talkwire.core.domain.times import bound_ms_of
from talkwire.operations.operation import Operation, Paged
from talkwire.operations.shapes import InputMember, Shape
from talkwire.payloads.messages import short_payload
from talkwire.payloads.offers import offer_payload

_SEARCH = Shape(
    "SearchMessagesPayload",
    "A search for messages or offers: the words to find (`q`), and optional restrictions to a conversation, a sender "
    "and a time. Its members mean the same as in `GET /api/v1/search`.",
)


def _bound(name: str) -> Callable[[str | None], int | None]:
    return lambda text: None if text is None else bound_ms_of(name, text)


_MEMBERS: Mapping[str, InputMember] = MappingProxyType(
    {
        "text": InputMember("q", meaning='Words and "phrases in quotes". The last word may be incomplete'),
        "conversation_id": InputMember(meaning="Only in this conversation"),
        "sender_id": InputMember(meaning="Only sent by this user"),
        "before_ms": InputMember(value=_bound("before"), meaning="Only sent before this time (ISO 8601)"),
        "after_ms": InputMember(value=_bound("after"), meaning="Only sent at this time or later (ISO 8601)"),
    }
)

SEARCH_MESSAGES = Operation(
    SearchMessages,
    event="messages:search",
    route="GET /search",
    tag="messages",
    summary="Search messages, newest first",
    event_summary="Search messages, newest first. The roles `service` and `admin` find every message.",
    answer=Paged(short_payload, "messages"),
    payload=_SEARCH,
    members=_MEMBERS,
)

SEARCH_OFFERS = Operation(
    SearchOffers,
    event="offers:search",
    route="GET /search/offers",
    tag="offers",
    summary="Search price offers, newest first",
    event_summary="Search price offers, newest first. The roles `service` and `admin` find every offer.",
    answer=Paged(offer_payload, "offers"),
    payload=_SEARCH,
    members=_MEMBERS,
)

OPERATIONS = (SEARCH_MESSAGES, SEARCH_OFFERS)
