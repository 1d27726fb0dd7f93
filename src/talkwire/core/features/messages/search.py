"""Full-text search of messages and offers (prices proposed in a conversation).

The search index of messages returns candidates, newest first. Each of them is then checked against its current state,
so that an index that is not up to date never shows edited or deleted text, or messages that the reader may not see.
Offers are few, and have no index.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from types import MappingProxyType

import msgspec

from talkwire.core.commands.command import Page
from talkwire.core.commands.search import FindPublicConversations, SearchMessages, SearchOffers
from talkwire.core.domain.access import history_for, must_be_visible
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import Actor, Conversation, Message, Offer, is_valid_id
from talkwire.core.domain.pages import PAGE_MAX, PAGE_MAX_BYTES, within_bytes
from talkwire.core.domain.search.search_terms import SearchScope, SearchTerms, terms_of
from talkwire.core.domain.search.words import searched_text
from talkwire.core.domain.texts import check_id
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

CANDIDATES_AT_ONCE = 100
"""Number of candidates that are checked together."""

SEARCH_EFFORT_MAX = 1_000_000
"""Most characters that one request examines, with `MESSAGE_EFFORT` for each message. The limit keeps a query with
frequent words from occupying a reader thread for long."""

MESSAGE_EFFORT = 500
"""Fixed cost of examining a message, in characters, which is added to the characters of its text."""

ROUGH_EFFORT = 150_000
"""Effort up to which a request lets the index return any of the newest messages where finding those that match would be
expensive: some 250 short messages, which take about 10 ms to examine. Often a page is full by then."""

NON_ASCII_EFFORT = 4
"""Factor of the cost of texts with non-ASCII characters, which are decomposed and folded before they are compared."""

_encode = msgspec.json.Encoder().encode


PUBLIC_MAX = 5000
"""Most public conversations that one request examines. A page may be short or empty and still have a next page."""

OFFERS_MAX = 200
"""Most offers that one request examines. A page may be short or empty and still have a next page."""


def search_messages(snapshot: Snapshot, actor: Actor, query: SearchMessages) -> Page[Message]:
    """Returns a page of messages that the actor may see and that contain all words of the query, newest first. A page
    may be short or empty and still have a next page, because each query examines a limited amount of text."""
    terms = terms_of("q", query.text)
    scope = _scope(snapshot, actor, query)
    limit = max(1, min(query.limit, PAGE_MAX))
    before_id = _cursor_id(query.cursor)
    page: list[Message] = []
    size = effort = 0
    while True:
        roughly = effort < ROUGH_EFFORT
        candidate_ids = snapshot.search.candidate_ids(terms, scope, before_id, CANDIDATES_AT_ONCE, roughly=roughly)
        for message in snapshot.search.messages(candidate_ids):
            if effort > SEARCH_EFFORT_MAX:
                return Page(_as_seen(snapshot, scope, page), str(before_id))
            text = searched_text(message.content, ", ".join(each.name for each in message.attachments))
            effort += MESSAGE_EFFORT + _effort_of(text)
            if terms.are_in(text):
                size += len(_encode(message))
                if page and (len(page) == limit or size > PAGE_MAX_BYTES):
                    return Page(_as_seen(snapshot, scope, page), str(before_id))
                page.append(message)
            before_id = message.id
        if len(candidate_ids) < CANDIDATES_AT_ONCE:
            return Page(_as_seen(snapshot, scope, page), None)


def search_offers(snapshot: Snapshot, actor: Actor, query: SearchOffers) -> Page[Offer]:
    """Returns a page of offers (proposed prices) that the actor may see and that contain all words of the query, newest
    first."""
    terms = terms_of("q", query.text)
    scope = _scope(snapshot, actor, query)
    limit = max(1, min(query.limit, PAGE_MAX))
    examined = snapshot.offers.in_scope(scope, _cursor_id(query.cursor), OFFERS_MAX)
    found = [offer for offer in examined if terms.are_in(f"{offer.title}\n{offer.description or ''}")]
    items = within_bytes(found[:limit], lambda offer: len(_encode(offer)))
    if len(items) < len(found):
        return Page(tuple(items), str(items[-1].id))
    return Page(tuple(items), str(examined[-1].id) if len(examined) == OFFERS_MAX else None)


def _as_seen(snapshot: Snapshot, scope: SearchScope, found: Sequence[Message]) -> tuple[Message, ...]:
    """Returns the found messages as the reader may see them. Only messages that quote others need a lookup, because the
    quoted message may be hidden from the reader."""
    quoting = {message.conversation_id for message in found if message.reply_to is not None}
    if scope.member_id is None or not quoting:
        return tuple(found)
    members = snapshot.memberships(scope.member_id, quoting)
    return tuple(
        must_be_visible(message, members[message.conversation_id].history)
        if message.conversation_id in quoting
        else message
        for message in found
    )


def _effort_of(text: str) -> int:
    return len(text) if text.isascii() else NON_ASCII_EFFORT * len(text)


def _scope(snapshot: Snapshot, actor: Actor, query: SearchMessages | SearchOffers) -> SearchScope:
    """Returns where the actor may search: everywhere for the backend and admins, else where the actor is a member.

    Raises `forbidden` for a conversation that the actor may not read.
    """
    member_id = None if actor.is_trusted else actor.user_id
    if query.sender_id is not None:
        check_id("senderId", query.sender_id)
    if query.conversation_id is not None:
        check_id("conversationId", query.conversation_id)
        history_for(snapshot, actor, query.conversation_id)
    return SearchScope(member_id, query.conversation_id, query.sender_id, query.before_ms, query.after_ms)


def _cursor_id(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "must be a cursor of an earlier page")
    return int(cursor)


def find_public_conversations(snapshot: Snapshot, actor: Actor, query: FindPublicConversations) -> Page[Conversation]:
    """Returns a page of the public groups and channels whose names contain all words of the query; of all of them if it
    has no words.

    If the text is the id of a public conversation, that one comes first. Every signed-in user may use this, independent
    of the setting `directory`, which limits who finds users.
    """
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    terms = terms_of("query", query.text) if query.text.strip() else SearchTerms(())
    limit = max(1, min(query.limit, PAGE_MAX))
    examined = snapshot.search.public_conversations(query.cursor, PUBLIC_MAX)
    matching = (each for each in examined if each.name is not None and terms.are_in(each.name))
    found = list(islice(matching, limit + 1))
    next_ = examined[-1].id if len(examined) == PUBLIC_MAX else None
    if len(found) > limit:
        del found[limit:]
        next_ = found[-1].id
    named = _public_by_id(snapshot, query.text.strip()) if query.cursor is None else None
    return Page(tuple(found) if named is None else (named, *(each for each in found if each.id != named.id)), next_)


def _public_by_id(snapshot: Snapshot, conversation_id: str) -> Conversation | None:
    found = snapshot.conversation(conversation_id) if is_valid_id(conversation_id) else None
    return found if found is not None and found.public and found.deleted_ms is None else None


QUERIES: Queries = MappingProxyType(
    {
        SearchMessages: search_messages,
        SearchOffers: search_offers,
        FindPublicConversations: find_public_conversations,
    }
)
