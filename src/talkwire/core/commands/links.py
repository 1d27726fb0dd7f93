"""The query for the links in a conversation's messages."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Page, Query
from talkwire.core.domain.model import Message


class LinkInMessage(msgspec.Struct, frozen=True):
    """A link that was sent to a conversation, with the title of the linked page if it is known, and the message that
    contains the link."""

    url: str
    title: str | None
    message: Message


class ListLinks(Query[Page[LinkInMessage]], frozen=True, tag="ListLinks"):
    """Lists the links in the messages of a conversation, newest message first."""

    conversation_id: str
    cursor: str | None = None
    limit: int = 50
