"""The routes `/api/v1/search`: full-text search in messages and in offers."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import FromQuery, QueryParameter

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.search import SearchMessages, SearchOffers
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.offers import OfferPayload, offer_payload
from talkwire.payloads.search import SearchMessagesPayload, search_command

Text = Annotated[str, QueryParameter(description='Words and "phrases in quotes". The last word may be incomplete')]
ConversationId = Annotated[str | None, QueryParameter(name="conversationId", description="Only in this conversation")]
SenderId = Annotated[str | None, QueryParameter(name="senderId", description="Only sent by this user")]
Before = Annotated[str | None, QueryParameter(description="Only sent before this time (ISO 8601)")]
After = Annotated[str | None, QueryParameter(description="Only sent at this time or later (ISO 8601)")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]


@get("/api/v1/search", summary="Search messages, newest first", tags=["messages"])
async def search_messages(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    caller: GivenCaller,
    chat: GivenChat,
    q: Text,
    conversation_id: ConversationId = None,
    sender_id: SenderId = None,
    before: Before = None,
    after: After = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[MessagePayload]:
    asked = SearchMessagesPayload(q, conversation_id, sender_id, before, after, cursor, limit)
    page = await chat.execute(caller.actor, search_command(SearchMessages, asked))
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)


@get("/api/v1/search/offers", summary="Search price offers, newest first", tags=["offers"])
async def search_offers(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    caller: GivenCaller,
    chat: GivenChat,
    q: Text,
    conversation_id: ConversationId = None,
    sender_id: SenderId = None,
    before: Before = None,
    after: After = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[OfferPayload]:
    asked = SearchMessagesPayload(q, conversation_id, sender_id, before, after, cursor, limit)
    page = await chat.execute(caller.actor, search_command(SearchOffers, asked))
    return ListAnswer(tuple(map(offer_payload, page.items)), page.next)
