"""What is asked of the search."""

from __future__ import annotations

from talkwire.core.commands.command import Page, Query
from talkwire.core.domain.model import Conversation, Message


class SearchMessages(Query[Page[Message]], frozen=True, tag="SearchMessages"):
    """Messages that hold every word of `text`, newest first. `conversation_id`, `sender_id` and the times narrow it:
    `after_ms` <= sent < `before_ms`. A page may hold fewer than `limit`, and none, while `next` says that there is
    more to look through."""

    text: str
    conversation_id: str | None = None
    sender_id: str | None = None
    before_ms: int | None = None
    after_ms: int | None = None
    cursor: str | None = None
    limit: int = 50


class FindPublicConversations(Query[Page[Conversation]], frozen=True, tag="FindPublicConversations"):
    """Public groups and channels whose names hold every word of `text`, by their ids, and the one whose id it is."""

    text: str
    cursor: str | None = None
    limit: int = 50
