"""Routes of `/api/v1/invitations`, which create, list, delete and accept invitations: links with which people register
on the server and join conversations."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from talkwire.api.description.refusals import may_refuse
from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenLimits
from talkwire.api.http.device import GivenDevice
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.site import GivenSite
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreateInvitation,
    DeleteInvitation,
    InvitedConversation,
    ListInvitations,
    ListInvitedConversations,
)
from talkwire.core.domain.times import ms_of_datetime
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Kind, address_key
from talkwire.identity.callers import Caller
from talkwire.operations.shapes import Moment
from talkwire.payloads.conversations import ConversationPayload, conversation_payload
from talkwire.payloads.invitations import (
    CreatedInvitationPayload,
    InvitationPayload,
    InvitedConversationPayload,
    created_invitation_payload,
    invited_conversation_payload,
    listed_invitation_payload,
)

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
LOGGED_CODE = "Proxies log the code in this address. Send it in a body instead: `{}`."

InvitedTo = Annotated[
    str | None, QueryParameter(name="conversationId", description="Only invitations to this conversation")
]


class CreateInvitationBody(Body, frozen=True):
    """An invitation to create. Without `expiresAt` it does not expire; without `maxUses` any number of people may use
    it. An ordinary user must name exactly one conversation, to which that user may add members."""

    conversation_ids: tuple[str, ...] = ()
    expires_at: Moment | None = None
    max_uses: int | None = None


class InvitationCodeBody(Body, frozen=True):
    """The code of an invitation."""

    code: str


class AcceptedAnswer(msgspec.Struct, frozen=True):
    """The conversations that the caller has joined; empty for an invitation to the server only."""

    conversations: tuple[ConversationPayload, ...]


class InvitedConversationsAnswer(msgspec.Struct, frozen=True):
    """The conversations of an invitation; empty for an invitation to the server only."""

    conversations: tuple[InvitedConversationPayload, ...]


def invited_conversations_answer(found: Iterable[InvitedConversation]) -> InvitedConversationsAnswer:
    return InvitedConversationsAnswer(tuple(map(invited_conversation_payload, found)))


@get("/", summary="List the invitations that the caller has created or may revoke, or all of them for admins")
async def list_invitations(
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
    conversation_id: InvitedTo = None,
) -> ListAnswer[InvitationPayload]:
    page = await chat.execute(caller.actor, ListInvitations(cursor, limit, conversation_id))
    return ListAnswer(tuple(map(listed_invitation_payload, page.items)), page.next)


@post(
    "/",
    summary="Create an invitation",
    description="A retry with the same `Idempotency-Key` is refused as `conflict`, with the `invitationId` in its "
    "details, since the server does not store the code.",
)
async def create_invitation(
    caller: GivenCaller,
    chat: GivenChat,
    site: GivenSite,
    key: GivenKey,
    data: JSONBody[CreateInvitationBody | None] = None,
) -> CreatedInvitationPayload:
    asked = data or CreateInvitationBody()
    expires_ms = None if asked.expires_at is None else ms_of_datetime("expiresAt", asked.expires_at)
    command = CreateInvitation(asked.conversation_ids, expires_ms, asked.max_uses)
    return created_invitation_payload(await chat.execute(caller.actor, command, key), site)


@delete("/{invitation_id:str}", summary="Delete an invitation")
async def delete_invitation(invitation_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, DeleteInvitation(invitation_id))


@post(
    "/conversations",
    status_code=HTTP_200_OK,
    operation_id="lookUpInvitation",
    summary="List the conversations of an invitation before accepting it",
    opt=may_refuse(404),
)
async def look_up_invitation(
    data: JSONBody[InvitationCodeBody], caller: GivenCaller, chat: GivenChat, limits: GivenLimits, device: GivenDevice
) -> InvitedConversationsAnswer:
    return await _look_up(data.code, caller, chat, limits, device)


@get(
    "/{code:str}/conversations",
    summary="List the conversations of an invitation whose code is in the address",
    description=LOGGED_CODE.format("POST /api/v1/invitations/conversations"),
)
async def list_invited_conversations(
    code: FromPath[str], caller: GivenCaller, chat: GivenChat, limits: GivenLimits, device: GivenDevice
) -> InvitedConversationsAnswer:
    return await _look_up(code, caller, chat, limits, device)


@post(
    "/accept",
    status_code=HTTP_200_OK,
    operation_id="acceptInvitationCode",
    summary="Accept an invitation",
    opt=may_refuse(404),
)
async def accept_code(  # noqa: PLR0913, PLR0917 (each is given by name)
    data: JSONBody[InvitationCodeBody],
    caller: GivenCaller,
    chat: GivenChat,
    limits: GivenLimits,
    device: GivenDevice,
    key: GivenKey,
) -> AcceptedAnswer:
    return await _accept(data.code, caller, chat, limits, device, key)


@post(
    "/{code:str}/accept",
    status_code=HTTP_200_OK,
    summary="Accept an invitation whose code is in the address",
    description=LOGGED_CODE.format("POST /api/v1/invitations/accept"),
)
async def accept_invitation(  # noqa: PLR0913, PLR0917 (each is given by name)
    code: FromPath[str],
    caller: GivenCaller,
    chat: GivenChat,
    limits: GivenLimits,
    device: GivenDevice,
    key: GivenKey,
) -> AcceptedAnswer:
    return await _accept(code, caller, chat, limits, device, key)


async def _look_up(
    code: str, caller: Caller, chat: LimitedChat, limits: GivenLimits, device: GivenDevice
) -> InvitedConversationsAnswer:
    await _count_guess(limits, device)
    found = await chat.execute(caller.actor, ListInvitedConversations(code))
    return invited_conversations_answer(found)


async def _accept(  # noqa: PLR0913, PLR0917 (what both routes are given)
    code: str, caller: Caller, chat: LimitedChat, limits: GivenLimits, device: GivenDevice, key: GivenKey
) -> AcceptedAnswer:
    await _count_guess(limits, device)
    conversation_ids = await chat.execute(caller.actor, AcceptInvitation(code), key)
    views = [await chat.execute(caller.actor, GetConversation(id_)) for id_ in conversation_ids]
    return AcceptedAnswer(tuple(map(conversation_payload, views)))


async def _count_guess(limits: GivenLimits, device: GivenDevice) -> None:
    if limits is not None:
        # Guessing invitation codes has the same rate limit as guessing passwords.
        await limits.take_or_refuse_everywhere(Kind.SIGN_INS, address_key(device.address), time.monotonic())


invitations_router = Router(
    "/invitations",
    route_handlers=[
        list_invitations,
        create_invitation,
        delete_invitation,
        look_up_invitation,
        list_invited_conversations,
        accept_code,
        accept_invitation,
    ],
    tags=["invitations"],
)
