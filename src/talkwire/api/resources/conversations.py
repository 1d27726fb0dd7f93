"""The routes of `/api/v1/conversations`: which conversations are listed, and how a conversation that was created, read
or changed is shown; the routes of messages and typing. The routes of members are in `members.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.created import created_or_existing
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.conversations import (
    ConversationView,
    GetConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.domain.model import SEQ_MAX
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations import conversations
from talkwire.payloads.conversations import (
    ConversationPayload,
    conversation_payload,
    shared_conversation_payload,
)
from talkwire.payloads.messages import MessagePayload, message_payload

AroundSeq = Annotated[
    int | None, QueryParameter(name="aroundSeq", ge=0, le=SEQ_MAX, description="List messages around this `seq`")
]
Threads = Annotated[
    Literal["collapsed"] | None, QueryParameter(description="`collapsed` leaves out the replies in threads")
]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
Query = Annotated[
    str | None, QueryParameter(name="query", description="Search for these words in the names of conversations")
]
Archived = Annotated[
    bool | None,
    QueryParameter(description="Only conversations that the caller has archived (`true`), or only others (`false`)"),
]
MemberId = Annotated[
    str | None, QueryParameter(name="memberId", description="Only conversations of this user (roles service and admin)")
]


async def list_conversations(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    caller: GivenCaller,
    chat: GivenChat,
    text: Query = None,
    member_id: MemberId = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
    archived: Archived = None,
) -> ListAnswer[ConversationPayload]:
    if text is not None and member_id is None and not caller.actor.is_trusted:
        found = await chat.execute(caller.actor, FindPublicConversations(text, cursor, limit))
        return ListAnswer(tuple(map(shared_conversation_payload, found.items)), found.next)
    query = ListConversations(
        cursor, limit, member_id=member_id, text=text, of_everybody=caller.actor.is_trusted, archived=archived
    )
    page = await chat.execute(caller.actor, query)
    trusted = caller.actor.is_trusted
    return ListAnswer(tuple(conversation_payload(view, trusted=trusted) for view in page.items), page.next)


async def _created(view: ConversationView, *_: object) -> Response[ConversationPayload]:
    return created_or_existing(view, conversation_payload(view))


async def _as_seen(view: ConversationView, _: object, caller: Caller, __: object) -> ConversationPayload:
    return conversation_payload(view, trusted=caller.actor.is_trusted)


async def _changed(_: object, asked: UpdateConversation, caller: Caller, chat: LimitedChat) -> ConversationPayload:
    view = await chat.execute(caller.actor, GetConversation(asked.conversation_id))
    return conversation_payload(view, trusted=caller.actor.is_trusted)


conversation_routes = routes_of(
    conversations.CONVERSATIONS,
    answers={
        "POST /conversations": _created,
        "GET /conversations/{conversation_id}": _as_seen,
        "PATCH /conversations/{conversation_id}": _changed,
    },
    handlers={"GET /conversations": list_conversations},
)


@get(
    "/api/v1/conversations/{conversation_id:str}/messages",
    summary="List messages of a conversation, oldest first",
    tags=["conversations"],
)
async def list_messages(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    around: FromQuery[str | None] = None,
    around_seq: AroundSeq = None,
    limit: Limit = 50,
    threads: Threads = None,
) -> ListAnswer[MessagePayload]:
    collapsed = threads is not None
    query = ListMessages(conversation_id, before, after, around, limit, around_seq, without_replies=collapsed)
    page = await chat.execute(caller.actor, query)
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)
