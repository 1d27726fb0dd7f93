"""Routes of `/api/v1/invitations`, which create, list, delete and accept invitations: links with which people register
on the server and join conversations."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec
from litestar.params import FromPath, JSONBody

from talkwire.api.http.bodies import Body
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenLimits
from talkwire.api.http.device import GivenDevice
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.operation_routes import routes_of
from talkwire.api.site import GivenSite
from talkwire.core.commands.conversations import GetConversation
from talkwire.core.commands.invitations import (
    AcceptInvitation,
    CreateInvitation,
    InvitedConversation,
    ListInvitedConversations,
)
from talkwire.core.domain.times import ms_of_datetime
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Kind, address_key
from talkwire.identity.callers import Caller
from talkwire.operations.conversations import invitations
from talkwire.operations.shapes import Moment
from talkwire.payloads.conversations import ConversationPayload, conversation_payload
from talkwire.payloads.invitations import (
    CreatedInvitationPayload,
    InvitedConversationPayload,
    created_invitation_payload,
    invited_conversation_payload,
)


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


async def look_up_invitation(
    data: JSONBody[InvitationCodeBody], caller: GivenCaller, chat: GivenChat, limits: GivenLimits, device: GivenDevice
) -> InvitedConversationsAnswer:
    return await _look_up(data.code, caller, chat, limits, device)


async def list_invited_conversations(
    code: FromPath[str], caller: GivenCaller, chat: GivenChat, limits: GivenLimits, device: GivenDevice
) -> InvitedConversationsAnswer:
    return await _look_up(code, caller, chat, limits, device)


async def accept_invitation_code(  # noqa: PLR0913, PLR0917 (each is given by name)
    data: JSONBody[InvitationCodeBody],
    caller: GivenCaller,
    chat: GivenChat,
    limits: GivenLimits,
    device: GivenDevice,
    key: GivenKey,
) -> AcceptedAnswer:
    return await _accept(data.code, caller, chat, limits, device, key)


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


invitation_routes = routes_of(
    invitations.OPERATIONS,
    handlers={
        "POST /invitations": create_invitation,
        "POST /invitations/conversations": look_up_invitation,
        "GET /invitations/{code}/conversations": list_invited_conversations,
        "POST /invitations/accept": accept_invitation_code,
        "POST /invitations/{code}/accept": accept_invitation,
    },
)
