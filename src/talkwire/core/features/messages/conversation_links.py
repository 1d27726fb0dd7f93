"""Lists the links in a conversation's messages.

An index of the database has the messages whose text may contain a link, so the cost of a page does not grow with the
number of the other messages. The links themselves are found in the messages as they are now: nothing has to be kept in
step with edits, deletions and erasures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from talkwire.core.commands.command import Page
from talkwire.core.commands.links import LinkInMessage, ListLinks
from talkwire.core.domain.access import history_for, message_for_reader
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.model import SEQ_MAX, Actor, Message
from talkwire.core.domain.pages import PAGE_MAX, within_bytes
from talkwire.core.domain.texts import check_id
from talkwire.core.features.messages.previewable_links import links_in
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

_CURSOR = re.compile(r"([0-9]{1,19})\.([0-9]{1,6})", re.ASCII)


def list_links(snapshot: Snapshot, actor: Actor, query: ListLinks) -> Page[LinkInMessage]:
    """Returns a page of the links that the actor may see in a conversation, with their messages; links of the newest
    message come first, in the order of its text.

    A page is made of messages with at most `PAGE_MAX_BYTES` of text, since only their texts say which links they have.
    So it may be empty, and still have a next page. Raises `forbidden` unless the actor may read the conversation.
    """
    check_id("conversationId", query.conversation_id)
    history = history_for(snapshot, actor, query.conversation_id)
    until, skipped = (SEQ_MAX, 0) if query.cursor is None else _place(query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.parts.messages_with_links(query.conversation_id, history.seq, until, limit + 1)
    messages = within_bytes(found[:limit], lambda message: len(message.content.encode()))
    items: list[LinkInMessage] = []
    for message in messages:
        seen = message_for_reader(message, history)
        links = [] if seen is None else list(_links_of(seen))
        start = skipped if message.seq == until else 0
        room = limit - len(items)
        items += links[start : start + room]
        if len(links) > start + room:
            return Page(tuple(items), f"{message.seq}.{start + room}")
    return Page(tuple(items), f"{found[len(messages)].seq}.0" if len(found) > len(messages) else None)


def _links_of(message: Message) -> Iterator[LinkInMessage]:
    titles = {preview.url: preview.title for preview in message.previews}
    for link in links_in(message.content):
        yield LinkInMessage(link, titles.get(link.partition("#")[0]), message)


def _place(cursor: str) -> tuple[int, int]:
    """Decodes a cursor into (seq, index): the number of the message with which the page begins, and how many of its
    links were on earlier pages. Raises `invalid_request` for a text that is not such a cursor."""
    match = _CURSOR.fullmatch(cursor)
    if match is None or int(match[1]) > SEQ_MAX:
        raise invalid("cursor", "must be `next` of a page of this list")
    return int(match[1]), int(match[2])


QUERIES: Queries = MappingProxyType({ListLinks: list_links})
