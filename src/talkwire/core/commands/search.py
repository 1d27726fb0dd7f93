"""Commands that search messages and public conversations."""

from __future__ import annotations

from talkwire.core.commands.command import Page, Query
from talkwire.core.domain.model import Conversation, Message, Offer


class SearchMessages(Query[Page[Message]], frozen=True, tag="SearchMessages"):
    """Finds messages that the actor may see and whose text or attachments' names contain all words of `text`, newest
    first.

    `conversation_id`, `sender_id`, `after_ms` (sent at or after) and `before_ms` (sent before) narrow the search. A
    page may have fewer than `limit` items, or none, while its `next` cursor says that there is more to search.
    """

    text: str
    conversation_id: str | None = None
    sender_id: str | None = None
    before_ms: int | None = None
    after_ms: int | None = None
    cursor: str | None = None
    limit: int = 50


class SearchOffers(Query[Page[Offer]], frozen=True, tag="SearchOffers"):
    """Finds offers (prices proposed in a conversation) that the actor may see and whose title and description contain
    all words of `text`, newest first; not deleted ones. The other members mean the same as in `SearchMessages`."""

    text: str
    conversation_id: str | None = None
    sender_id: str | None = None
    before_ms: int | None = None
    after_ms: int | None = None
    cursor: str | None = None
    limit: int = 50


class FindPublicConversations(Query[Page[Conversation]], frozen=True, tag="FindPublicConversations"):
    """Finds public groups and channels whose names contain all words of `text` (all of them for an empty text), in the
    order of their ids. The one whose id is `text` comes first."""

    text: str
    cursor: str | None = None
    limit: int = 50
