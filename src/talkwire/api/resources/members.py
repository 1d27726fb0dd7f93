"""The routes of `/api/v1/conversations/{id}/members`. Adding members returns the conversation, and the user id `me`
stands for the caller."""

from __future__ import annotations

from litestar.params import FromPath, JSONBody
from msgspec.structs import replace

from talkwire.api.http.bodies import Body
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.members import AddedMembers, AddMembers, RemoveMember, UpdateMember
from talkwire.core.domain.model import MemberRole
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.conversations import members
from talkwire.payloads.conversations import (
    ConversationPayload,
    MemberPayload,
    conversation_payload,
    member_payload,
)


class UpdateMemberBody(Body, frozen=True):
    role: MemberRole


async def _conversation(
    added: AddedMembers, asked: AddMembers, caller: Caller, chat: LimitedChat
) -> ConversationPayload:
    view = await chat.execute(caller.actor, GetConversation(asked.conversation_id))
    return conversation_payload(replace(view, pending_pos=added.pending_pos))


async def update_member(
    conversation_id: FromPath[str],
    user_id: FromPath[str],
    data: JSONBody[UpdateMemberBody],
    caller: GivenCaller,
    chat: GivenChat,
) -> MemberPayload:
    command = UpdateMember(conversation_id, _id_of(user_id, caller), data.role)
    return member_payload(await chat.execute(caller.actor, command))


async def remove_member(
    conversation_id: FromPath[str], user_id: FromPath[str], caller: GivenCaller, chat: GivenChat
) -> None:
    await chat.execute(caller.actor, RemoveMember(conversation_id, _id_of(user_id, caller)))


def _id_of(user_id: str, caller: Caller) -> str:
    return caller.actor.user_id if user_id == "me" else user_id


member_routes = routes_of(
    members.OPERATIONS,
    answers={"POST /conversations/{conversation_id}/members": _conversation},
    handlers={
        "PATCH /conversations/{conversation_id}/members/{user_id}": update_member,
        "DELETE /conversations/{conversation_id}/members/{user_id}": remove_member,
    },
)
