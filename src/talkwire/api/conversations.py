"""`/api/v1/conversations`: who is in them, and what was said."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from talkwire.api.bodies import AddMembersBody, CreateConversationBody, ListAnswer, TypingBody
from talkwire.api.dependencies import GivenCaller, GivenChat
from talkwire.core.commands.conversations import (
    AddMembers,
    CreateConversation,
    GetConversation,
    ListConversations,
    RemoveMember,
)
from talkwire.core.commands.messages import ListMessages
from talkwire.core.commands.typing import SetTyping
from talkwire.dialects.payloads.conversations import ConversationPayload, conversation_payload
from talkwire.dialects.payloads.messages import MessagePayload, message_payload

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Items a page")]


@get("/", summary="The caller's conversations, newest event first")
async def list_conversations(
    caller: GivenCaller, chat: GivenChat, cursor: FromQuery[str | None] = None, limit: Limit = 50
) -> ListAnswer[ConversationPayload]:
    page = await chat.execute(caller.actor, ListConversations(cursor, limit))
    return ListAnswer(tuple(map(conversation_payload, page.items)), page.next)


@post("/", summary="Open a conversation")
async def create_conversation(
    data: JSONBody[CreateConversationBody], caller: GivenCaller, chat: GivenChat
) -> ConversationPayload:
    command = CreateConversation(data.kind, data.member_ids, data.name, data.id)
    return conversation_payload(await chat.execute(caller.actor, command))


@get("/{conversation_id:str}", summary="One conversation with its members")
async def get_conversation(conversation_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> ConversationPayload:
    return conversation_payload(await chat.execute(caller.actor, GetConversation(conversation_id)))


@get("/{conversation_id:str}/messages", summary="A page of the history, ascending")
async def list_messages(  # noqa: PLR0913, PLR0917 (each is one query parameter)
    conversation_id: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    before: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    around: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> ListAnswer[MessagePayload]:
    page = await chat.execute(caller.actor, ListMessages(conversation_id, before, after, around, limit))
    return ListAnswer(tuple(map(message_payload, page.items)), page.next)


@post("/{conversation_id:str}/typing", status_code=HTTP_204_NO_CONTENT, summary="Say that the caller types")
async def set_typing(
    conversation_id: FromPath[str], data: JSONBody[TypingBody], caller: GivenCaller, chat: GivenChat
) -> None:
    await chat.execute(caller.actor, SetTyping(conversation_id, data.is_typing))


@post("/{conversation_id:str}/members", status_code=HTTP_200_OK, summary="Let users in")
async def add_members(
    conversation_id: FromPath[str], data: JSONBody[AddMembersBody], caller: GivenCaller, chat: GivenChat
) -> ConversationPayload:
    await chat.execute(caller.actor, AddMembers(conversation_id, data.user_ids))
    return conversation_payload(await chat.execute(caller.actor, GetConversation(conversation_id)))


@delete("/{conversation_id:str}/members/{user_id:str}", summary="Take a user out, or leave")
async def remove_member(
    conversation_id: FromPath[str], user_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> None:
    member_id = caller.actor.user_id if user_id == "me" else user_id
    await chat.execute(caller.actor, RemoveMember(conversation_id, member_id))


conversations_router = Router(
    "/conversations",
    route_handlers=[
        list_conversations,
        create_conversation,
        get_conversation,
        list_messages,
        set_typing,
        add_members,
        remove_member,
    ],
    tags=["conversations"],
)
