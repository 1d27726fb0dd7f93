"""Routes of `/api/v1/conversations`: create, list, update and delete conversations, and list their messages, files and
notices (joins, leaves and other changes). The routes of members are in `members.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT
from msgspec import UNSET

from talkwire.api.http.bodies import CreateConversationBody, ListAnswer, TypingBody, UpdateConversationBody
from talkwire.api.http.created import created_or_existing, existing
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    ListNotices,
    UpdateConversation,
)
from talkwire.core.commands.files import ListFiles
from talkwire.core.commands.links import ListLinks
from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.commands.typing import SetTyping
from talkwire.core.domain.model import SEQ_MAX, FileKind
from talkwire.core.domain.times import ms_of_datetime
from talkwire.payloads.conversations import (
    ConversationPayload,
    conversation_payload,
    shared_conversation_payload,
)
from talkwire.payloads.files import SentFilePayload, SentLinkPayload, sent_file_payload, sent_link_payload
from talkwire.payloads.messages import MessagePayload, message_payload
from talkwire.payloads.notices import NoticePayload, notice_payload

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
FileKindQuery = Annotated[
    FileKind | None,
    QueryParameter(name="kind", description="Only pictures and film (`media`), sound (`audio`) or other files"),
]
Archived = Annotated[
    bool | None,
    QueryParameter(description="Only conversations that the caller has archived (`true`), or only others (`false`)"),
]
MemberId = Annotated[
    str | None, QueryParameter(name="memberId", description="Only conversations of this user (roles service and admin)")
]


@get("/", summary="List the caller's conversations, or search public ones (roles service and admin: all)")
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


@post(
    "/",
    summary="Create a conversation, or get the one with this id or between these two users",
    responses=existing(ConversationPayload),
)
async def create_conversation(
    data: JSONBody[CreateConversationBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> Response[ConversationPayload]:
    command = CreateConversation(
        kind=data.kind,
        member_ids=data.member_ids,
        name=data.name,
        id=data.id,
        avatar=data.avatar,
        public=data.public,
        history=data.history,
        slow_mode_s=data.slow_mode_s,
        metadata=data.metadata,
        owner_id=UNSET if data.owner_id is None else data.owner_id,
        roles=data.roles or UNSET,
        topic=data.topic or UNSET,
        description=data.description or UNSET,
        created_ms=UNSET if data.created_at is None else ms_of_datetime("createdAt", data.created_at),
    )
    view = await chat.execute(caller.actor, command, key)
    return created_or_existing(view, conversation_payload(view))


@get("/{conversation_id:str}", summary="Get a conversation with its members")
async def get_conversation(conversation_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> ConversationPayload:
    view = await chat.execute(caller.actor, GetConversation(conversation_id))
    return conversation_payload(view, trusted=caller.actor.is_trusted)


@patch("/{conversation_id:str}", summary="Update a group or channel, or set how long a conversation keeps messages")
async def update_conversation(
    conversation_id: FromPath[str], data: JSONBody[UpdateConversationBody], caller: GivenCaller, chat: GivenChat
) -> ConversationPayload:
    command = UpdateConversation(
        conversation_id=conversation_id,
        name=data.name,
        avatar=data.avatar,
        public=data.public,
        history=data.history,
        slow_mode_s=data.slow_mode_s,
        metadata=data.metadata,
        retention_days=data.retention_days,
        hold=data.hold,
        topic=data.topic,
        description=data.description,
    )
    await chat.execute(caller.actor, command)
    view = await chat.execute(caller.actor, GetConversation(conversation_id))
    return conversation_payload(view, trusted=caller.actor.is_trusted)


@delete("/{conversation_id:str}", summary="Delete a group or channel")
async def delete_conversation(conversation_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, DeleteConversation(conversation_id))


@get("/{conversation_id:str}/messages", summary="List messages of a conversation, oldest first")
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


@get("/{conversation_id:str}/notices", summary="List a conversation's joins, leaves, changes and calls, newest first")
async def list_notices(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[NoticePayload]:
    page = await chat.execute(caller.actor, ListNotices(conversation_id, cursor, limit))
    return ListAnswer(tuple(map(notice_payload, page.items)), page.next)


@get(
    "/{conversation_id:str}/files",
    operation_id="listConversationFiles",
    summary="List the files of a conversation, newest first",
)
async def list_files(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    kind: FileKindQuery = None,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[SentFilePayload]:
    page = await chat.execute(caller.actor, ListFiles(conversation_id, kind, cursor, limit))
    return ListAnswer(tuple(map(sent_file_payload, page.items)), page.next)


@get(
    "/{conversation_id:str}/links",
    operation_id="listConversationLinks",
    summary="List the links in a conversation's messages, newest first",
)
async def list_links(
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[SentLinkPayload]:
    page = await chat.execute(caller.actor, ListLinks(conversation_id, cursor, limit))
    return ListAnswer(tuple(map(sent_link_payload, page.items)), page.next)


@post(
    "/{conversation_id:str}/typing",
    status_code=HTTP_204_NO_CONTENT,
    summary="Announce that the caller started or stopped typing",
)
async def set_typing(
    conversation_id: FromPath[str], data: JSONBody[TypingBody], caller: GivenCaller, chat: GivenChat
) -> None:
    await chat.execute(caller.actor, SetTyping(conversation_id, data.is_typing))


conversations_router = Router(
    "/conversations",
    route_handlers=[
        list_conversations,
        create_conversation,
        get_conversation,
        update_conversation,
        delete_conversation,
        list_messages,
        list_notices,
        list_files,
        list_links,
        set_typing,
    ],
    tags=["conversations"],
)
