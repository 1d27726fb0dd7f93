"""Finding messages by their words.

An index proposes, newest first; what it proposes is checked here against the message as it is now, so that an index
which is behind the log never shows what was edited away, deleted, or said where the reader is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from types import MappingProxyType

import msgspec

from talkwire.core.commands.command import Page
from talkwire.core.commands.search import FindPublicConversations, SearchMessages
from talkwire.core.domain.access import history_for, must_see
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import Actor, Conversation, Message, is_valid_id
from talkwire.core.domain.pages import PAGE_MAX, PAGE_MAX_BYTES
from talkwire.core.domain.search_terms import SearchScope, SearchTerms, terms_of
from talkwire.core.domain.texts import check_id
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

BLOCK = 100
"""Proposals that are looked at together."""

EFFORT_MAX = 1_000_000
EFFORT = 500
"""One request looks at so many characters, and each message counts for some more: a phrase of frequent words must not
keep a reader's thread for long."""

NON_ASCII_EFFORT = 4
"""Other characters are decomposed and folded before they are compared."""

_encode = msgspec.json.Encoder().encode


PUBLIC_MAX = 5000
"""One request looks at so many public conversations: a page may be short, or empty, and still have more behind it."""


def search_messages(snapshot: Snapshot, actor: Actor, query: SearchMessages) -> Page[Message]:
    """One page of what the actor may see and what holds the words that were asked for."""
    terms = terms_of("q", query.text)
    scope = _scope(snapshot, actor, query)
    limit = max(1, min(query.limit, PAGE_MAX))
    before_id = _cursor_id(query.cursor)
    page: list[Message] = []
    size = effort = 0
    while True:
        proposed = snapshot.search.proposals(terms, scope, before_id, BLOCK)
        for message in snapshot.search.messages(proposed):
            if effort > EFFORT_MAX:
                return Page(_as_seen(snapshot, scope, page), str(before_id))
            text = searched_text(message.content, ", ".join(each.name for each in message.attachments))
            effort += EFFORT + _effort_of(text)
            if terms.are_in(text):
                size += len(_encode(message))
                if page and (len(page) == limit or size > PAGE_MAX_BYTES):
                    return Page(_as_seen(snapshot, scope, page), str(before_id))
                page.append(message)
            before_id = message.id
        if len(proposed) < BLOCK:
            return Page(_as_seen(snapshot, scope, page), None)


def searched_text(content: str, attached_names: str) -> str:
    """Returns the text in which a search looks for words: what a message says, and the names of what is attached."""
    return f"{content}\n{attached_names}" if attached_names else content


def _as_seen(snapshot: Snapshot, scope: SearchScope, found: Sequence[Message]) -> tuple[Message, ...]:
    """Returns messages of the scope as its reader may see them. Without quotes there is nothing to look up."""
    quoting = {message.conversation_id for message in found if message.reply_to is not None}
    if scope.member_id is None or not quoting:
        return tuple(found)
    members = snapshot.memberships(scope.member_id, quoting)
    return tuple(
        must_see(message, members[message.conversation_id].history) if message.conversation_id in quoting else message
        for message in found
    )


def _effort_of(text: str) -> int:
    return len(text) if text.isascii() else NON_ASCII_EFFORT * len(text)


def _scope(snapshot: Snapshot, actor: Actor, query: SearchMessages) -> SearchScope:
    """Returns what the actor may search: the back end and admins everything, others what they see as members. Raises
    `forbidden` for a conversation that the actor may not read."""
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
    """Returns public groups and channels by their names, all of them without a word; before them the one whose id was
    given. Every signed-in user finds them, whomever of the users they may find."""
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    terms = terms_of("query", query.text) if query.text.strip() else SearchTerms(())
    limit = max(1, min(query.limit, PAGE_MAX))
    looked_at = snapshot.search.public_conversations(query.cursor, PUBLIC_MAX)
    matching = (each for each in looked_at if each.name is not None and terms.are_in(each.name))
    found = list(islice(matching, limit + 1))
    next_ = looked_at[-1].id if len(looked_at) == PUBLIC_MAX else None
    if len(found) > limit:
        del found[limit:]
        next_ = found[-1].id
    named = _public_by_id(snapshot, query.text.strip()) if query.cursor is None else None
    return Page(tuple(found) if named is None else (named, *(each for each in found if each.id != named.id)), next_)


def _public_by_id(snapshot: Snapshot, conversation_id: str) -> Conversation | None:
    found = snapshot.conversation(conversation_id) if is_valid_id(conversation_id) else None
    return found if found is not None and found.public and found.deleted_ms is None else None


QUERIES: Queries = MappingProxyType(
    {SearchMessages: search_messages, FindPublicConversations: find_public_conversations}
)
