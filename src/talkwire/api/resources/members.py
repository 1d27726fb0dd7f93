"""Routes of `/api/v1/conversations/{id}/members`: add and remove members, and change their roles. The user id `me`
stands for the caller."""

from __future__ import annotations

from litestar import Router, delete, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from talkwire.api.http.bodies import AddMembersBody, UpdateMemberBody
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.identity.callers import Caller
from talkwire.payloads.conversations import (
    ConversationPayload,
    MemberPayload,
    conversation_payload,
    member_payload,
)


@post("/", status_code=HTTP_200_OK, summary="Add members, or join a public group or channel")
async def add_members(
    conversation_id: FromPath[str],
    data: JSONBody[AddMembersBody],
    caller: GivenCaller,
    chat: GivenChat,
    key: GivenKey,
) -> ConversationPayload:
    await chat.execute(caller.actor, AddMembers(conversation_id, data.user_ids), key)
    return conversation_payload(await chat.execute(caller.actor, GetConversation(conversation_id)))


@patch("/{user_id:str}", summary="Change a member's role")
async def update_member(
    conversation_id: FromPath[str],
    user_id: FromPath[str],
    data: JSONBody[UpdateMemberBody],
    caller: GivenCaller,
    chat: GivenChat,
) -> MemberPayload:
    command = UpdateMember(conversation_id, _id_of(user_id, caller), data.role)
    return member_payload(await chat.execute(caller.actor, command))


@delete("/{user_id:str}", summary="Remove a member, or leave a conversation")
async def remove_member(
    conversation_id: FromPath[str], user_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> None:
    await chat.execute(caller.actor, RemoveMember(conversation_id, _id_of(user_id, caller)))


def _id_of(user_id: str, caller: Caller) -> str:
    return caller.actor.user_id if user_id == "me" else user_id


members_router = Router(
    "/conversations/{conversation_id:str}/members",
    route_handlers=[add_members, update_member, remove_member],
    tags=["conversations"],
)
